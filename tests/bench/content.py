"""A site's worth of editors' events: categories, tools, reviewers and a review for each pair."""

import random
from collections.abc import Iterator

from schemas.events import CategoryDefined, Data, Event, ReviewerJoined, ReviewSubmitted, ToolListed
from tests.bench.stage import NOON

ENTRIES = ("free", "freemium", "paid")
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
        yield ReviewerJoined(
            f"reviewer-{reviewer}", f"Reviewer {reviewer}", _text(chance, 8), reviewer
        )
    for category in range(categories):
        yield CategoryDefined(f"category-{category}", f"Category {category}", _text(chance, 20))
        for number in range(tools):
            slug = f"tool-{category}-{number}"
            yield _listing(chance, slug, category, number)
            for reviewer in range(reviewers):
                yield _review(chance, slug, f"reviewer-{reviewer}")


def _listing(chance: random.Random, slug: str, category: int, number: int) -> ToolListed:
    return ToolListed(
        tool=slug,
        name=f"Tool {category} {number}",
        category=f"category-{category}",
        tagline=_text(chance, 8),
        description=_text(chance, 60),
        pricing=_text(chance, 15),
        entry=chance.choice(ENTRIES),  # type: ignore[arg-type]
        best_for=_text(chance, 10),
    )


def _review(chance: random.Random, tool: str, reviewer: str) -> ReviewSubmitted:
    score = chance.randrange(30, 100)
    return ReviewSubmitted(
        tool=tool,
        reviewer=reviewer,
        score=score,
        verdict="ship" if score >= 60 else "skip",
        body=_text(chance, 80),
        pros=(_text(chance, 6), _text(chance, 6)),
        cons=(_text(chance, 6),),
    )


def _text(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(WORDS, k=words)).capitalize() + "."
