"""Dead letters as text for a person and as JSON values for a program."""

from typing import Any

import msgspec

from schemas.time.instants import rfc3339
from streams.deadletters.model import DeadLetter
from streams.deadletters.producer import UNACCEPTABLE, UNSTORABLE

SHOWN_BYTES = 256


def to_json(letter: DeadLetter) -> dict[str, Any]:
    """Return all fields: bytes as base64, the origin as `topic/partition/offset` or None."""
    origin = str(letter.origin) if letter.origin else None
    return {**msgspec.to_builtins(letter), "origin": origin}


def to_summary_json(letter: DeadLetter) -> dict[str, Any]:
    """Return all fields but the value, which lists leave out."""
    fields = to_json(letter)
    del fields["value"]
    return fields


def line(letter: DeadLetter) -> str:
    """Return one line of a list."""
    state = "" if letter.state == "waiting" else f"  [{letter.state}: {letter.note}]"
    written = rfc3339(letter.written * 1000)
    return f"{letter.number:>6}  {written:<24}  {letter.origin}  {letter.reason}{state}"


def prospect(letter: DeadLetter) -> str:
    """Say what would become of a dead letter that can be decoded now."""
    if letter.stage == UNSTORABLE:
        return "can be read, but the database refused it; a replay shows whether it still does"
    if letter.stage == UNACCEPTABLE:
        return "can be applied only once its time has come"
    return "can be applied"


def page(letter: DeadLetter, now: str, event: dict[str, Any] | None) -> str:
    """Return everything about one dead letter.

    Args:
        letter: With its value.
        now: Whether it could be applied now.
        event: The decoded event as JSON; None if it cannot be decoded.
    """
    value = letter.value or b""
    more = f" … {len(value):,} bytes" if len(value) > SHOWN_BYTES else ""
    facts = {
        "number": f"{letter.number}, written {rfc3339(letter.written * 1000)}",
        "origin": letter.origin or "unknown",
        "state": f"{letter.state} {letter.note}".strip(),
        "failed": f"{letter.stage} {letter.error}: {letter.reason}",
        "now": now,
        "key": readable(letter.key),
        "headers": ", ".join(f"{name}={readable(content)}" for name, content in letter.headers)
        or "none",
        "value": "null" if letter.value is None else value[:SHOWN_BYTES].hex(" ") + more,
    }
    lines = [f"{name:<9}{fact}" for name, fact in facts.items()]
    if event is not None:
        lines.append(msgspec.json.format(msgspec.json.encode(event)).decode())
    return "\n".join(lines)


def readable(content: bytes | None) -> str:
    """Return printable UTF-8 as text, and other bytes in hexadecimal."""
    if content is None:
        return "none"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"0x{content.hex()}"
    return text if text.isprintable() else f"0x{content.hex()}"
