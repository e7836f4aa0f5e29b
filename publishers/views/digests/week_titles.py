"""What a week is called, and which days it covers."""

from datetime import datetime, timedelta

from publishers.views.text.formatting import day

_EN_DASH = "\N{EN DASH}"


def title(week: str) -> str:
    """`Week 47, 2026`."""
    year, number = week.split("-W")
    return f"Week {int(number)}, {int(year)}"


def in_sentence(week: str, other: str | None = None) -> str:
    """`week 47`, with its year if that differs from the other week's."""
    year, number = week.split("-W")
    short = f"week {int(number)}"
    return short if other is None or other.startswith(year) else f"{short}, {int(year)}"


def dates(start: datetime, end: datetime) -> str:
    """Both ends of a week without what they share, joined by an en dash; `end` is exclusive."""
    first, last = day(start), day(end - timedelta(days=1))
    first_words, last_words = first.split(), last.split()
    while first_words[-1] == last_words[len(first_words) - 1]:
        first_words.pop()
    dash = _EN_DASH if len(first_words) == 1 else f" {_EN_DASH} "
    return f"{' '.join(first_words)}{dash}{last}"
