"""What a week is called, and which days it covers."""

from datetime import datetime, timedelta

from publishers.views.text.formatting import day


def title(week: str) -> str:
    """`Week 47 of 2026`."""
    year, number = week.split("-W")
    return f"Week {int(number)} of {int(year)}"


def dates(start: datetime, end: datetime) -> str:
    """`16 November 2026 to 22 November 2026`, without what both ends share; `end` is exclusive."""
    first, last = day(start), day(end - timedelta(days=1))
    first_words, last_words = first.split(), last.split()
    while first_words and first_words[-1] == last_words[len(first_words) - 1]:
        first_words.pop()
    return f"{' '.join(first_words)} to {last}"
