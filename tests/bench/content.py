"""A site's worth of editors' events: categories, tools, reviewers and a review for each pair."""

import random
from collections.abc import Iterator

from schemas.events import Data, Event
from schemas.records import Entry
from tests.bench.stage import NOON
from tests.harness.examples import a_category, a_listing, a_review, a_reviewer

ENTRIES: tuple[Entry, ...] = ("free", "freemium", "paid")
SENTENCE = (
    "a model that reads images and text in one pass keeps small teams away from glue code but its "
    "context window ends early so long documents need care while latency stays low on plain "
    "hardware and the license lets you ship what you build without asking anybody first"
)
WORDS = SENTENCE.split()


def site_events(categories: int, tools: int, reviewers: int, begin: int = NOON) -> Iterator[Event]:
    """So many categories of so many tools, each reviewed by everybody; the same every time.

    `begin` is the moment of the first, in microseconds. Unless it is of this week, a worker settles
    the digests of all weeks since.
    """
    for number, data in enumerate(_facts(categories, tools, reviewers)):
        yield Event(f"01970000-0000-7000-8000-{number:012d}", begin + number, data)


def _facts(categories: int, tools: int, reviewers: int) -> Iterator[Data]:
    chance = random.Random(11)
    for reviewer in range(reviewers):
        name = f"Reviewer {reviewer}"
        yield a_reviewer(f"reviewer-{reviewer}", name, reviewer, motto=_text(chance, 8)).data
    for category in range(categories):
        slug = f"category-{category}"
        yield a_category(slug, f"Category {category}", _text(chance, 20)).data
        for number in range(tools):
            tool = f"tool-{category}-{number}"
            yield _listing(chance, tool, f"Tool {category} {number}", slug).data
            for reviewer in range(reviewers):
                yield _review(chance, tool, f"reviewer-{reviewer}").data


def _listing(chance: random.Random, tool: str, name: str, category: str) -> Event:
    return a_listing(
        tool,
        name,
        category,
        tagline=_text(chance, 8),
        description=_text(chance, 60),
        pricing=_text(chance, 15),
        entry=chance.choice(ENTRIES),
        best_for=_text(chance, 10),
    )


def _review(chance: random.Random, tool: str, reviewer: str) -> Event:
    score = chance.randrange(30, 100)
    return a_review(
        score,
        "ship" if score >= 60 else "skip",
        tool=tool,
        reviewer=reviewer,
        body=_text(chance, 80),
        pros=(_text(chance, 6), _text(chance, 6)),
        cons=(_text(chance, 6),),
    )


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."
