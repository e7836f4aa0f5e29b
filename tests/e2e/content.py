"""What the main test is about: two tools and their panel's reviews, as an editor sends them."""

from typing import NamedTuple

from schemas.events import Event
from schemas.records import Entry
from tests.harness.examples import a_category, a_listing, a_review, a_reviewer


class Fact(NamedTuple):
    """A tool of the main test: what is sent of it and should be read again."""

    slug: str
    name: str
    tagline: str
    description: str
    pricing: str
    entry: Entry
    best_for: str
    scores: dict[str, int]


PANEL = ("Builder", "Skeptic", "Futurist", "Founder")
CATEGORY = ("developer-tools", "Developer Tools")

CLAUDE = Fact(
    "claude-4-api",
    "Claude 4 API: Tool Use Streaming & Prompt Caching",
    "Tools that answer while they <think>, prompts that cost once.",
    "Streams tool calls as they are made & keeps long prompts warm.",
    "Pay-as-you-go tokens; cached reads cost about 90% less.",
    "paid",
    "Agents with long, stable prompts.",
    {"builder": 88, "skeptic": 82, "futurist": 85, "founder": 79},
)
SMOLVLM = Fact(
    "smolvlm-2-5",
    "SmolVLM 2.5",
    "Sees, on the laptop that you have.",
    "A small model for pictures and text with open weights.",
    "Free: open weights under Apache 2.0.",
    "free",
    "Pictures that must not leave the house.",
    {"builder": 88, "skeptic": 82, "futurist": 85, "founder": 78},
)


def opening() -> list[Event]:
    """A category, two tools, four reviewers who joined out of order, and their eight reviews."""
    reviewers = [
        a_reviewer(name.lower(), name, position, motto=f"What a {name.lower()} asks.")
        for position, name in enumerate(PANEL, 1)
    ]
    return [
        a_category(*CATEGORY),
        *map(_listed, (CLAUDE, SMOLVLM)),
        *reversed(reviewers),
        *_reviews(),
    ]


def body_of(fact: Fact, reviewer: str) -> str:
    """What a reviewer writes about a tool."""
    return f"{reviewer} on {fact.slug}: {fact.scores[reviewer]} points, for good reasons."


def _listed(fact: Fact) -> Event:
    return a_listing(
        fact.slug,
        fact.name,
        CATEGORY[0],
        tagline=fact.tagline,
        description=fact.description,
        pricing=fact.pricing,
        entry=fact.entry,
        best_for=fact.best_for,
    )


def _reviews() -> list[Event]:
    return [
        a_review(score, tool=fact.slug, reviewer=reviewer, body=body_of(fact, reviewer))
        for fact in (CLAUDE, SMOLVLM)
        for reviewer, score in fact.scores.items()
    ]
