"""Which pages differ between two contents: those that appear, those that change, those that go."""

from collections.abc import Iterator
from typing import NamedTuple

from publishers.build import affected_pages
from publishers.build.affected_pages import DigestWeeks
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue, dependencies


class PageDifferences(NamedTuple):
    """Paths of pages that people read, in the order of the catalogue."""

    appear: list[str]
    change: list[str]
    go: list[str]

    def __bool__(self) -> bool:
        return bool(self.appear or self.change or self.go)


def find_page_differences(
    before: InMemoryContent, after: InMemoryContent, public_url: str
) -> PageDifferences:
    """Render the pages that may differ, from both contents, and compare their bytes."""
    old = dict.fromkeys(filter(catalogue.is_for_people, catalogue.page_paths(before)))
    new = dict.fromkeys(filter(catalogue.is_for_people, catalogue.page_paths(after)))
    touched = {*_affected(before, after), *_affected(after, before)}
    return PageDifferences(
        appear=[path for path in new if path not in old],
        change=[
            path
            for path in new
            if path in old
            and path in touched
            and catalogue.render(before, path, public_url)
            != catalogue.render(after, path, public_url)
        ],
        go=[path for path in old if path not in new],
    )


def _affected(content: InMemoryContent, other: InMemoryContent) -> Iterator[str]:
    """The pages of one content that show anything in which the other differs."""
    weeks = DigestWeeks.of(other), DigestWeeks.of(content)
    for paths in affected_pages.of_weeks(content, *weeks).values():
        yield from paths
    changes = list(content_cache.diff(content, other))
    for change in changes:
        yield from dependencies.paths_about_tool(content, change.slug)
        for tool in change.tools:
            yield from dependencies.paths_in_category(tool.category.slug)
    if changes:
        yield from dependencies.paths_of_any_tool(content)
    for category in content.categories():
        if category not in other.categories():
            yield from dependencies.paths_of_category(content, category.category)
    for reviewer in content.reviewers():
        if reviewer not in other.reviewers():
            yield from dependencies.paths_of_reviewer(content, reviewer.reviewer)
