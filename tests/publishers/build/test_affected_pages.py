"""Which pages an edit of a tool affects: all that show it, no more where there are more tools."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from projections.record_keys import RecordKey
from publishers.build import affected_pages
from publishers.build.site_files import SiteFiles
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from schemas.history import DemoTools
from schemas.records import Category, CategoryName, Tool
from tests.harness.records import a_review, a_tool

SITE = "https://verdicts.example"
IN_CATEGORY = 12
EDITED, NEW = "tool-013", "tool-900"


def in_category(number: int) -> Category:
    return Category(f"c-{number}", f"Category {number}", "About it.", 1)


def some_tool(number: int, category: int) -> Tool:
    chances = random.Random(number)
    # Each word is on as many tools, however many there are.
    text = " ".join(f"word{(number // 9 * 8 + chances.randrange(16)):04}" for _ in range(5))
    return a_tool(
        f"tool-{number:03}", f"Tool {number}", a_review(score=50 + number % 50),
        category=in_category(category), tagline=text, best_for=text, description=text,
    )  # fmt: skip


def content_of(categories: int) -> InMemoryContent:
    tools = [some_tool(n, n // IN_CATEGORY) for n in range(categories * IN_CATEGORY)]
    content = InMemoryContent(tools, map(in_category, range(categories)))
    for tool in tools:  # as the pages of a site that stands did
        content.similar_tools().of(tool)
        content.rivals(tool.tool)
    return content


def retired(tool: Tool) -> Tool:
    return structs.replace(tool, retired=tool.listed, retired_reason="Gone.")


EDITS: dict[str, Callable[[Tool], tuple[str, Tool | None]]] = {
    "a name": lambda tool: (EDITED, structs.replace(tool, name="Renamed")),
    "a text": lambda tool: (EDITED, structs.replace(tool, description="Word0040 word0041")),
    "a retirement": lambda tool: (EDITED, retired(tool)),
    "another category": lambda tool: (
        EDITED, structs.replace(tool, category=CategoryName("c-3", "Category 3")),
    ),
    "a new tool": lambda tool: (NEW, structs.replace(tool, tool=NEW, name="New")),
    "a tool that is gone": lambda _: (EDITED, None),
}  # fmt: skip


def edit(before: InMemoryContent, name: str) -> tuple[str, InMemoryContent]:
    tool = before.tool(EDITED)
    assert tool
    slug, changed = EDITS[name](tool)
    return slug, before.with_tools({slug: changed}, {}, DemoTools())


def affected(before: InMemoryContent, after: InMemoryContent, slug: str, site: Path) -> set[str]:
    changes = list(content_cache.diff(before, after))
    pages = affected_pages.by_priority(
        before, after, [RecordKey("tool", slug)], changes, SiteFiles(site)
    )
    return {path for paths in pages.values() for path in paths}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_affects_every_page_that_differs_after_it(name: str, tmp_path: Path) -> None:
    before = content_of(5)
    files = SiteFiles(tmp_path)
    for path in catalogue.page_paths(before):
        files.put(path, catalogue.render(before, path, SITE))
    slug, after = edit(before, name)
    pages = affected(before, after, slug, tmp_path)
    differ = {
        path
        for path in {*catalogue.page_paths(before), *catalogue.page_paths(after)}
        if files.read(path) != catalogue.render(after, path, SITE)
    }
    assert differ
    assert differ <= pages


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_affects_no_more_pages_where_there_are_more_tools(
    name: str, tmp_path: Path
) -> None:
    counts = []
    for categories in (6, 24):
        before = content_of(categories)
        slug, after = edit(before, name)
        feeds = {f"/categories/c-{number}/feed.xml" for number in range(categories)}
        counts.append(len(affected(before, after, slug, tmp_path) - feeds))
    assert counts[1] <= 1.1 * counts[0]
