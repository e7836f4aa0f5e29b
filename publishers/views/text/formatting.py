"""Words and numbers that many pages share."""

import re
import textwrap
from datetime import UTC, datetime

from publishers.render_cache import part_cache
from schemas.records import Community, Entry, Panel, Verdict

VERDICTS: dict[Verdict, str] = {
    "ship": "Ship",
    "skip": "Skip",
    "split": "Split",
    "none": "No verdict yet",
}
ENTRIES: dict[Entry, str] = {"free": "Free", "freemium": "Freemium", "paid": "Paid"}
DEMO_NOTICE = "Demo: reviews and votes on this site are invented."

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def panel_line(panel: Panel) -> str:
    """The panel's verdict with its count: `Ship · 4 ship / 0 skip`."""
    label = VERDICTS[panel.verdict]
    return label if panel.verdict == "none" else f"{label} · {counts(panel.ship, panel.skip)}"


def community_line(community: Community) -> str:
    """The community's verdict with its count: `Ship · 12 ship / 3 skip`."""
    if community.verdict == "none":
        return "No community votes yet"
    label = VERDICTS[community.verdict]
    return f"{label} · {counts(community.ship, community.skip)}"


def counts(ship: int, skip: int) -> str:
    """`1,204 ship / 3 skip`."""
    return f"{ship:,} ship / {skip:,} skip"


def percent(value: int | None, otherwise: str = "") -> str:
    """`83%`, or the alternative if there is no share yet."""
    return otherwise if value is None else f"{value}%"


def mean(value: float | None) -> str:
    """A mean score without trailing zeros: `83.25`, `80`; a dash if there is none."""
    return "—" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 review`, `2,041 votes`."""
    return f"{number:,} {plural(number, one, many)}"


def number(value: int) -> str:
    """`2,041`."""
    return f"{value:,}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """A noun that agrees with a number, which may be negative."""
    return one if abs(number) == 1 else many or f"{one}s"


@part_cache.by_value
def day(time: datetime) -> str:
    """The UTC day: `20 November 2026`."""
    utc = time.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}"


@part_cache.by_value
def instant(time: datetime) -> str:
    """The time as RFC 3339 in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def initial(name: str) -> str:
    """The first letter or digit of a name, as its avatar."""
    return next((letter for letter in name if letter.isalnum()), "•").upper()[:1]


def shorten(text: str, length: int) -> str:
    """At most `length` characters on one line, cut between words if possible."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    cut = line[: length - 1]
    words, space, _ = cut.rpartition(" ")
    return (words if space and len(words) > length // 2 else cut).rstrip(" ,;:.-") + "…"


def wrapped(text: str, indent: str = "", width: int = 72) -> str:
    """The text in lines of at most `width` characters, for mail; longer words stay whole."""
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def xml_text(text: str) -> str:
    """The text without the control characters that XML forbids."""
    return _NOT_IN_XML.sub("", text)


# Not strftime: its month names follow the machine's locale.
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
