"""What a push would change for readers, in words: pages, and verdicts that turn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from infra.cli.options import counted
from publishers.build.page_differences import PageDifferences, find_page_differences
from publishers.content.in_memory_content import InMemoryContent
from publishers.views.comparisons.leader_and_reason import compare_tools
from publishers.views.text.formatting import VERDICTS
from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from schemas.records import Category, CategoryName, Community, Panel, Review, Reviewer, Tool
from streams.content_files.push_plan import PlanStep
from streams.content_files.site_content import SiteRecords

_MOST_PAGES = 12


class Effects(msgspec.Struct, frozen=True):
    """Pages that people read, by path, and sentences about verdicts."""

    appear: list[str]
    change: list[str]
    go: list[str]
    verdicts: list[str]


def find_effects(site: SiteRecords, steps: Iterable[PlanStep], url: str) -> Effects:
    """Compare the site with what it would be after the steps."""
    before = _content(site)
    after = _content(_records_after(site, list(steps)))
    pages: PageDifferences = find_page_differences(before, after, url)
    return Effects(*pages, [*_turned(before, after)])


def effect_lines(effects: Effects) -> Iterator[str]:
    """What readers would see."""
    for verdict in effects.verdicts:
        yield f"Verdict: {verdict}"
    for name, paths in (
        ("appear", effects.appear), ("change", effects.change), ("go", effects.go)
    ):  # fmt: skip
        if paths:
            more = len(paths) - _MOST_PAGES
            shown = [*paths[:_MOST_PAGES], *([f"and {more:,} more"] if more > 0 else [])]
            verb = name if len(paths) > 1 else f"{name}{'es' if name == 'go' else 's'}"
            yield f"{counted(len(paths), 'page')} {verb}: {', '.join(shown)}"


def _content(records: SiteRecords) -> InMemoryContent:
    return InMemoryContent(records.tools, records.categories, records.reviewers)


def _records_after(site: SiteRecords, steps: list[PlanStep]) -> SiteRecords:
    """The records that the site would have; times and versions aside, as the projections do it."""
    files: dict[str, Data] = site.files()
    for step in steps:
        if step.local is None:
            files.pop(step.path, None)
        else:
            files[step.path] = step.local
    old_tools = {tool.tool: tool for tool in site.tools}
    categories = [data for data in files.values() if isinstance(data, CategoryDefined)]
    reviewers = [data for data in files.values() if isinstance(data, ReviewerJoined)]
    names = {category.category: category.name for category in categories}
    panel = sorted(
        (Reviewer(**_fields(data), version=0) for data in reviewers),
        key=lambda reviewer: (reviewer.position, reviewer.reviewer),
    )
    reviews: dict[str, dict[str, ReviewSubmitted]] = defaultdict(dict)
    for data in files.values():
        if isinstance(data, ReviewSubmitted):
            reviews[data.tool][data.reviewer] = data
    return SiteRecords(
        categories=_same_where_equal(site.categories, [_category(data) for data in categories]),
        reviewers=_same_where_equal(site.reviewers, panel),
        tools=[
            _tool(data, old_tools.get(data.tool), names, _reviews(reviews[data.tool], panel))
            for data in files.values()
            if isinstance(data, ToolListed)
        ],
    )


def _category(data: CategoryDefined) -> Category:
    return Category(**{**_fields(data), "facts": list(data.facts or ())}, version=0)


def _tool(
    data: ToolListed, old: Tool | None, categories: Mapping[str, str], reviews: list[Review]
) -> Tool:
    fields = _fields(data) | {
        "category": CategoryName(data.category, categories.get(data.category, data.category)),
        "best_for": data.best_for or data.tagline,
        "facts": data.facts or {},
        "panel": Panel.of(_with_times(reviews, old)),
    }
    if old:
        return msgspec.structs.replace(old, **fields)
    return Tool(
        **fields,
        listed=_NOW,
        retired=None,
        retired_reason=None,
        community=Community.of(0, 0),
        bookmarks=0,
        version=0,
    )


_NOW = datetime(9999, 1, 1, tzinfo=UTC)
"""Stands for the moment of the push, which no effect depends on."""


def _reviews(by_reviewer: Mapping[str, ReviewSubmitted], panel: Iterable[Reviewer]) -> list[Review]:
    return [
        _review(by_reviewer[reviewer.reviewer], reviewer.name)
        for reviewer in panel
        if reviewer.reviewer in by_reviewer
    ]


def _review(data: ReviewSubmitted, name: str) -> Review:
    return Review(
        reviewer=data.reviewer,
        name=name,
        score=data.score,
        verdict=data.verdict,
        body=data.body,
        pros=list(data.pros),
        cons=list(data.cons),
        disclosure=data.disclosure,
        time=_NOW,
    )


def _with_times(reviews: list[Review], old: Tool | None) -> list[Review]:
    """Reviews that say the same as before keep the time that they have on the site."""
    known = {review.reviewer: review for review in old.panel.reviews} if old else {}
    return [
        timed
        if (previous := known.get(review.reviewer))
        and (timed := msgspec.structs.replace(review, time=previous.time)) == previous
        else review
        for review in reviews
    ]


def _same_where_equal(old: list[Any], new: list[Any]) -> list[Any]:
    """New records, and the old ones where nothing but the version differs."""
    known = {_without_version(record): record for record in old}
    return [known.get(_without_version(record), record) for record in new]


def _without_version(record: Any) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(record, version=0))


def _fields(data: Data) -> dict[str, Any]:
    return {name: getattr(data, name) for name in data.__struct_fields__}


def _turned(before: InMemoryContent, after: InMemoryContent) -> Iterator[str]:
    """Tools whose verdict of the panel turns, and stored comparisons whose answer turns."""
    changed = []
    for tool in after.tools():
        old = before.tool(tool.tool)
        if old and old != tool:
            changed.append(tool.tool)
            if old.panel.verdict != tool.panel.verdict:
                yield f"{tool.name}: {VERDICTS[old.panel.verdict]} ▸ {VERDICTS[tool.panel.verdict]}"
    for one, other in _pairs_of(changed, after):
        olds = before.tool(one.tool), before.tool(other.tool)
        if olds[0] is None or olds[1] is None:
            continue
        was, now = compare_tools(olds[0], olds[1]), compare_tools(one, other)
        if was.leader != now.leader:
            yield f"{one.name} vs {other.name}: {was.headline} ▸ {now.headline}"


def _pairs_of(slugs: Iterable[str], content: InMemoryContent) -> Iterator[tuple[Tool, Tool]]:
    """The pairs with a stored comparison that one of these tools is part of."""
    pairs = {
        (min(slug, rival), max(slug, rival)) for slug in slugs for rival in content.rivals(slug)
    }
    for pair in sorted(pairs):
        one, other = map(content.tool, pair)
        if one and other:
            yield one, other
