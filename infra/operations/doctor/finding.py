"""What a check finds."""

from typing import Literal

import msgspec

Verdict = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True):
    """The result of one check.

    Attributes:
        check: Its name.
        verdict: `fail`: the system does not do its part, or something is in danger now;
            `warn`: it works, and somebody should look at this; `ok`.
        says: What is so, in a sentence.
        do: What to do about it.
    """

    check: str
    verdict: Verdict
    says: str
    do: str = ""


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", says)


def warn(check: str, says: str, do: str) -> Finding:
    """It works, and somebody should look at this."""
    return Finding(check, "warn", says, do)


def fail(check: str, says: str, do: str) -> Finding:
    """Something does not work, or is in danger."""
    return Finding(check, "fail", says, do)


def several(names: list[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
