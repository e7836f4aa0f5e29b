"""What a subscriber may choose, and checks of it."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Literal, get_args
from zoneinfo import available_timezones

import msgspec

from infra.errors import VerdictsError

Frequency = Literal["weekly", "monthly"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
MAX_TOPICS = 20
MAX_PAUSE_DAYS = 366

_NO_PLACES = ("Etc/", "SystemV/", "US/", "posix/", "right/")


class Preferences(msgspec.Struct, frozen=True):
    """What a subscriber chose.

    Attributes:
        frequency: How often.
        topics: Slugs of categories; none means all.
        timezone: An IANA name.
        paused_until: No mail before this day; None: not paused.
    """

    frequency: Frequency = "weekly"
    topics: tuple[str, ...] = ()
    timezone: str = "UTC"
    paused_until: date | None = None


class PreferenceError(VerdictsError):
    """A choice is impossible; the message is one sentence, `field` names the choice."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def check_frequency(text: str) -> Frequency:
    """`weekly` or `monthly`.

    Raises:
        PreferenceError: It is neither.
    """
    if text not in FREQUENCIES:
        raise PreferenceError("frequency", "Choose weekly or monthly.")
    return text


def check_timezone(text: str) -> str:
    """An IANA name as the time zone database spells it.

    Raises:
        PreferenceError: There is no such time zone.
    """
    if text not in time_zones():
        raise PreferenceError(
            "timezone", "There is no such time zone; choose one such as Europe/Berlin or UTC."
        )
    return text


def check_topics(topics: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Slugs of categories that exist, each once, in order.

    Raises:
        PreferenceError: A category does not exist, or there are more than 20.
    """
    chosen = tuple(sorted(set(topics)))
    if len(chosen) > MAX_TOPICS:
        raise PreferenceError("topics", f"Choose at most {MAX_TOPICS} topics; none means all.")
    unknown = [topic for topic in chosen if topic not in known]
    if unknown:
        raise PreferenceError("topics", f"There is no category {unknown[0][:80]!r}.")
    return chosen


def check_pause(text: str, today: date) -> date | None:
    """The day on which mails begin again; None for an empty text or a day that has come.

    Raises:
        PreferenceError: It is no date, or more than a year away.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PreferenceError("paused_until", "Give a date such as 2026-12-31.") from None
    if day > today + timedelta(days=MAX_PAUSE_DAYS):
        raise PreferenceError("paused_until", "A pause lasts a year at most; or unsubscribe.")
    return day if day > today else None


@cache
def time_zones() -> frozenset[str]:
    """The names of all IANA time zones."""
    return frozenset(available_timezones()) | {"UTC"}


@cache
def places_of_time_zones() -> tuple[str, ...]:
    """The names that a form offers: `UTC`, then those that name a place."""
    places = (name for name in time_zones() if "/" in name and not name.startswith(_NO_PLACES))
    return ("UTC", *sorted(places))
