"""Events as an editor would send them, and the two tools that the main test is about."""

from typing import Any, NamedTuple

Event = dict[str, Any]


def event(kind: str, **data: Any) -> Event:
    return {"type": kind, "data": data}


def category(slug: str, name: str) -> Event:
    return event("category.defined", category=slug, name=name, description=f"All of {name}.")


def listing(tool: str, name: str, category: str, **changed: Any) -> Event:
    data = {
        "tool": tool,
        "name": name,
        "category": category,
        "tagline": f"{name} in a sentence.",
        "description": f"{name} in *some* more words.",
        "pricing": "Free for now.",
        "entry": "free",
        "best_for": "Trying things out.",
    }
    return event("tool.listed", **data | changed)


def review(tool: str, reviewer: str, score: int, **changed: Any) -> Event:
    data = {
        "tool": tool,
        "reviewer": reviewer,
        "score": score,
        "verdict": "ship" if score >= 60 else "skip",
        "body": f"{reviewer} on {tool}: {score} points, for good reasons.",
    }
    return event("review.submitted", **data | changed)


def vote(tool: str, voter: str, choice: str = "ship") -> Event:
    return event("vote.cast", tool=tool, voter=voter, choice=choice)


class Fact(NamedTuple):
    """A tool of the main test: what is sent of it and should be read again."""

    slug: str
    name: str
    tagline: str
    description: str
    pricing: str
    entry: str
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
        event(
            "reviewer.joined",
            reviewer=name.lower(),
            name=name,
            motto=f"What a {name.lower()} asks.",
            position=position,
        )
        for position, name in enumerate(PANEL, 1)
    ]
    return [
        category(*CATEGORY),
        *map(_listed, (CLAUDE, SMOLVLM)),
        *reversed(reviewers),
        *_reviews(),
    ]


def _listed(fact: Fact) -> Event:
    facts = {k: v for k, v in fact._asdict().items() if k not in ("slug", "name", "scores")}
    return listing(fact.slug, fact.name, CATEGORY[0], **facts)


def _reviews() -> list[Event]:
    return [
        review(fact.slug, reviewer, score)
        for fact in (CLAUDE, SMOLVLM)
        for reviewer, score in fact.scores.items()
    ]
