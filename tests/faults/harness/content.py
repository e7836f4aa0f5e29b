"""What is sent: a small catalog, and seeded voters that vote, change their minds and bookmark.

Ids and times are given here, so that the same seed sends the same events.
"""

import random
from collections.abc import Iterator

from schemas import events
from schemas.events import Data, Event
from tests.harness.examples import NOON, SECOND, a_category, a_listing, a_review, a_reviewer

TOOLS = tuple(f"tool-{letter}" for letter in "abcdef")
REVIEWERS = ("builder", "skeptic")


def catalog_events() -> list[Event]:
    """A category, its tools, a panel and its reviews."""
    category = a_category("tools", "Tools", id="catalog-category")
    tools = [
        a_listing(tool, tool.title(), "tools", id=f"catalog-{tool}", time=NOON + number)
        for number, tool in enumerate(TOOLS)
    ]
    panel = [
        a_reviewer(name, name.title(), number, id=f"catalog-{name}")
        for number, name in enumerate(REVIEWERS)
    ]
    reviews = [
        a_review(70 + number, tool=tool, reviewer=name, id=f"catalog-{tool}-{name}")
        for number, tool in enumerate(TOOLS)
        for name in REVIEWERS
    ]
    return [category, *tools, *panel, *reviews]


class Crowd:
    """Voters: most are new, some return; most vote, some bookmark.

    Args:
        chances: Decides everything.
        prefix: Keeps the voters and ids of several crowds apart.
    """

    def __init__(self, chances: random.Random, prefix: str = "c") -> None:
        self._chances = chances
        self._prefix = prefix
        self._count = 0
        self._voters: list[str] = []

    def some(self, number: int) -> list[Event]:
        return [self._one() for _ in range(number)]

    def endless(self, number: int) -> Iterator[list[Event]]:
        while True:
            yield self.some(number)

    def _one(self) -> Event:
        self._count += 1
        # Times go forward on the whole, and are often out of order.
        time = NOON + self._count * 1000 + self._chances.randrange(-SECOND, SECOND)
        return Event(f"{self._prefix}-{self._count:08}", time, self._data())

    def _data(self) -> Data:
        chances = self._chances
        tool = chances.choice(TOOLS)
        if self._voters and chances.random() < 0.3:
            voter = chances.choice(self._voters)
        else:
            voter = f"{self._prefix}-voter-{self._count}"
            self._voters.append(voter)
        kind = chances.random()
        if kind < 0.8:
            return events.VoteCast(tool, voter, chances.choice(("ship", "skip")))
        if kind < 0.9:
            return events.VoteRetracted(tool, voter)
        if kind < 0.97:
            return events.BookmarkAdded(tool, voter)
        return events.BookmarkRemoved(tool, voter)
