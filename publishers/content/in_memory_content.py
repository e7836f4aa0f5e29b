"""Site content from records at hand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from copy import copy

from msgspec import structs

from publishers.content.site_content import SiteContent
from schemas.digests import WeeklyDigest
from schemas.history import DemoTools, EditTimes, History
from schemas.records import Category, Reviewer, Tool

# One object for all tools without a history, so that its view is cached once.
_NO_HISTORY = History()


class InMemoryContent(SiteContent):
    """Immutable content: a change gives new content that shares every unchanged record."""

    def __init__(
        self,
        tools: Iterable[Tool] = (),
        categories: Iterable[Category] = (),
        reviewers: Iterable[Reviewer] = (),
        digests: Iterable[WeeklyDigest] = (),
        histories: Mapping[str, History] | None = None,
        edit_times: EditTimes | None = None,
        demo_tools: DemoTools | None = None,
    ) -> None:
        self._index({tool.tool: tool for tool in sorted(tools, key=lambda tool: tool.tool)})
        self._categories = _with_undefined(categories, self._on_site)
        self._reviewers = sorted(reviewers, key=lambda each: (each.position, each.reviewer))
        self._digests = _newest_first(digests)
        self._histories = histories or {}
        self._edit_times = edit_times or EditTimes()
        self._demo_tools = demo_tools or DemoTools()

    def with_tallies(self, tools: Iterable[Tool]) -> "InMemoryContent":
        """This content with the votes and bookmarks of these known tools.

        All other parts stay the same objects, so whatever was cached for them stays valid.
        """
        changed = copy(self)  # with its similar tools, which no tally changes
        changed._index(self._tools | {tool.tool: self._with_tally(tool) for tool in tools})
        return changed

    def with_digests(self, digests: Iterable[WeeklyDigest]) -> "InMemoryContent":
        """This content with other digests."""
        changed = copy(self)
        changed._digests = _newest_first(digests)
        return changed

    def slugs(self) -> Collection[str]:
        """Every listed tool, also the retired ones."""
        return self._tools.keys()

    def tool(self, slug: str) -> Tool | None:
        """Look a tool up."""
        return self._tools.get(slug)

    def tools(self) -> list[Tool]:
        """List the tools on the site."""
        return self._on_site

    def tools_in(self, category: str) -> list[Tool]:
        """Look a category's tools up."""
        return self._by_category.get(category, [])

    def retired(self) -> list[Tool]:
        """List the retired tools."""
        return self._retired

    def categories(self) -> list[Category]:
        """List the categories."""
        return self._categories

    def reviewers(self) -> list[Reviewer]:
        """List the panel."""
        return self._reviewers

    def history(self, tool: str) -> History:
        """Look a tool's history up."""
        return self._histories.get(tool, _NO_HISTORY)

    def histories(self) -> Mapping[str, History]:
        """Look all histories up."""
        return self._histories

    def edit_times(self) -> EditTimes:
        """Look the times up."""
        return self._edit_times

    def demo_tools(self) -> DemoTools:
        """Look the demo's tools up."""
        return self._demo_tools

    def digests(self) -> list[WeeklyDigest]:
        """List the digests."""
        return self._digests

    def _with_tally(self, tool: Tool) -> Tool:
        """The known record of a tool with the tallies of this one."""
        return structs.replace(
            self._tools[tool.tool],
            community=tool.community,
            bookmarks=tool.bookmarks,
            version=tool.version,
        )

    def _index(self, tools: dict[str, Tool]) -> None:
        self._tools = tools
        self._on_site = [tool for tool in tools.values() if tool.retired is None]
        self._retired = [tool for tool in tools.values() if tool.retired is not None]
        self._by_category: dict[str, list[Tool]] = defaultdict(list)
        for tool in self._on_site:
            self._by_category[tool.category.slug].append(tool)


def _with_undefined(categories: Iterable[Category], tools: Iterable[Tool]) -> list[Category]:
    """The categories by slug, with one for each that only tools name."""
    by_slug = {
        tool.category.slug: Category(tool.category.slug, tool.category.name, "", 0)
        for tool in tools
    }
    by_slug |= {category.category: category for category in categories}
    return sorted(by_slug.values(), key=lambda category: category.category)


def _newest_first(digests: Iterable[WeeklyDigest]) -> list[WeeklyDigest]:
    return sorted(digests, key=lambda digest: digest.week, reverse=True)
