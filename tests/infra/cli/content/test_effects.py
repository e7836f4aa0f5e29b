"""What a push would change for readers."""

import msgspec

from infra.cli.commands.content.effects import effect_lines, find_effects
from schemas.events import ReviewSubmitted
from schemas.records import Tool
from streams.content_files.push_plan import PlanStep
from streams.content_files.site_content import SiteRecords
from tests.harness.records import DEVELOPER_TOOLS, PANEL, a_review, a_tool

URL = "https://site.example"


def site_of(*tools: Tool) -> SiteRecords:
    return SiteRecords([DEVELOPER_TOOLS], list(PANEL), list(tools))


def skipping(site: SiteRecords, tool: str) -> PlanStep:
    """The step of an edit by which the builder skips a tool."""
    path = f"reviews/{tool}/builder.md"
    data = site.files()[path]
    assert isinstance(data, ReviewSubmitted)
    return PlanStep(path, "change", msgspec.structs.replace(data, verdict="skip", score=10), data)


def test_verdicts_that_turn_are_said_with_the_comparisons_that_turn() -> None:
    site = site_of(
        a_tool("ada", "Ada", a_review(score=90)),
        a_tool("bob", "Bob", a_review(score=50)),
        a_tool("cyd", "Cyd", a_review(score=95)),
    )
    effects = find_effects(site, [skipping(site, "ada")], URL)
    assert effects.verdicts[0] == "Ada: Ship ▸ Skip"
    assert [line.partition(":")[0] for line in effects.verdicts[1:]] == ["Ada vs Bob"]
    assert "/compare/ada-vs-bob/" in effects.change
    assert next(effect_lines(effects)) == "Verdict: Ada: Ship ▸ Skip"


def test_of_a_large_category_the_stored_comparisons_of_edited_tools_are_compared() -> None:
    site = site_of(*(a_tool(f"t-{n:03}", f"T {n}", a_review(score=50)) for n in range(60)))
    effects = find_effects(site, [skipping(site, "t-007")], URL)
    turned = [line for line in effects.verdicts if " vs " in line]
    pages = [path for path in effects.change if path.startswith("/compare/")]
    assert len(turned) == len(pages) < 59
    assert all("T 7" in line for line in turned)
