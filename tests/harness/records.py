"""Examples of the records that pages show, and a small site of them; tests change what matters."""

from datetime import UTC, datetime, timedelta

from publishers.content.in_memory_content import InMemoryContent
from schemas.facts.values import Fact
from schemas.records import (
    Category,
    CategoryName,
    Choice,
    Community,
    Entry,
    Panel,
    Review,
    Reviewer,
    Tool,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

BUILDER = Reviewer("builder", "Builder", "Ships on Friday, sleeps on Saturday.", 1, 1)
SKEPTIC = Reviewer("skeptic", "Skeptic", "Show me the second month.", 2, 1)
FUTURIST = Reviewer("futurist", "Futurist", "Asks where this is in three years.", 3, 1)
FOUNDER = Reviewer("founder", "Founder", "Counts the invoices.", 4, 1)
PANEL = [BUILDER, SKEPTIC, FUTURIST, FOUNDER]

DEVELOPER_TOOLS = Category(
    "developer-tools", "Developer Tools", "What you reach for **while building**.", 1
)


def a_review(
    reviewer: Reviewer = BUILDER,
    score: int = 80,
    verdict: Choice = "ship",
    body: str = "Does what it says.",
    *,
    pros: tuple[str, ...] = (),
    cons: tuple[str, ...] = (),
    disclosure: str | None = None,
    time: datetime = NOON,
) -> Review:
    """A review by a member of the panel."""
    return Review(
        reviewer.reviewer,
        reviewer.name,
        score,
        verdict,
        body,
        list(pros),
        list(cons),
        disclosure,
        time,
    )


def a_tool(
    slug: str = "smolvlm-2-5",
    name: str = "SmolVLM 2.5",
    *reviews: Review,
    category: Category = DEVELOPER_TOOLS,
    tagline: str = "A vision model that fits on a phone.",
    description: str = "Reads *images* and short videos on small devices.",
    pricing: str = "Free, open weights under Apache 2.0",
    entry: Entry = "free",
    best_for: str = "Vision on devices without a server",
    url: str | None = None,
    votes: tuple[int, int] = (0, 0),
    bookmarks: int = 0,
    listed: datetime = NOON,
    retired: str | None = None,
    version: int = 1,
    facts: dict[str, Fact] | None = None,
) -> Tool:
    """A tool with these reviews; `votes` are its ships and skips, `retired` is the reason."""
    return Tool(
        tool=slug,
        name=name,
        category=CategoryName(category.category, category.name),
        tagline=tagline,
        description=description,
        pricing=pricing,
        entry=entry,
        best_for=best_for,
        url=url,
        listed=listed,
        retired=listed + timedelta(days=1) if retired is not None else None,
        retired_reason=retired,
        panel=Panel.of(list(reviews)),
        community=Community.of(*votes),
        bookmarks=bookmarks,
        version=version,
        facts=facts or {},
    )


def claude() -> Tool:
    """A paid tool with a long name that the whole panel ships."""
    return a_tool(
        "claude-4-api",
        "Claude 4 API: Tool Use Streaming & Prompt Caching",
        a_review(
            BUILDER,
            88,
            body="Streaming tool calls took a *day* to wire, and `cache_control` a minute.",
            pros=("Partial tool input arrives early", "Cached prompts answer sooner"),
            cons=("Cache lifetimes need planning",),
        ),
        a_review(SKEPTIC, 82, body="The saving is real if your prompts repeat. Measure first."),
        a_review(FUTURIST, 85, body="Agents that show their work while they work."),
        a_review(
            FOUNDER,
            79,
            body="The bill fell by half once the system prompt was cached.",
            disclosure="Received API credits from the maker.",
        ),
        tagline="Watch tool calls arrive as they are made, and pay once for long prompts.",
        description="A hosted model that streams the arguments of **tool calls** while they are "
        "written, and keeps long prompts cached between requests.",
        pricing="Pay as you go by tokens; cached reads cost about 90% less",
        entry="paid",
        best_for="Agents with long, repeated prompts",
        url="https://example.com/claude",
        votes=(412, 96),
        bookmarks=57,
    )


def smolvlm() -> Tool:
    """A free tool that the whole panel ships, one point behind in one review."""
    return a_tool(
        "smolvlm-2-5",
        "SmolVLM 2.5",
        a_review(BUILDER, 88, body="Runs on my laptop without a fan. That settles it."),
        a_review(SKEPTIC, 82, body="Small models guess more; here the guesses are labelled."),
        a_review(FUTURIST, 85, body="Eyes for every device, and nobody is asked."),
        a_review(FOUNDER, 78, body="No invoice. Hosting it is still your own evening."),
        votes=(301, 64),
        bookmarks=41,
    )


def sample_content() -> InMemoryContent:
    """A small site: two categories, a split, a retired tool, opinions that differ."""
    writing = Category("writing", "Writing", "From a blank page to a text that reads well.", 1)
    pages = [
        claude(),
        smolvlm(),
        a_tool(
            "patchwork",
            "Patchwork",
            a_review(BUILDER, 61, "ship", "Good diffs, slow tests."),
            a_review(SKEPTIC, 34, "skip", "It edits what it did not read."),
            tagline="Pull requests while you sleep.",
            entry="freemium",
            pricing="Free for public repositories, else $19 a month",
            best_for="Chores nobody wants to review twice",
            votes=(40, 122),
        ),
        a_tool(
            "quillfeather",
            "Quillfeather",
            a_review(BUILDER, 44, "skip", "A text box with a price."),
            a_review(SKEPTIC, 31, "skip", "Every draft sounds like the last one."),
            a_review(FUTURIST, 58, "ship", "The outline mode is a hint of something."),
            category=writing,
            tagline="Drafts in the voice of your last ten texts.",
            entry="paid",
            pricing="$12 a month",
            best_for="Weekly letters",
            votes=(88, 21),
        ),
        a_tool("plainly", "Plainly", category=writing, tagline="Cuts what can go."),
        a_tool("longgone", "Longgone", retired="Its maker closed it."),
    ]
    return InMemoryContent(pages, [DEVELOPER_TOOLS, writing], PANEL)
