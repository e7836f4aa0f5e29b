"""Site content from records at hand."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from functools import cached_property
from itertools import product

from msgspec import structs

from projections.read.tools import ToolTally
from publishers.content.site_content import SiteContent
from publishers.views.tools.text_index import distinctive_words
from schemas.digests import WeeklyDigest
from schemas.history import DemoTools, EditTimes, History, Merge
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
        merges: Iterable[Merge] = (),
    ) -> None:
        self._tools = {tool.tool: tool for tool in sorted(tools, key=lambda tool: tool.tool)}
        self._categories = _with_undefined(categories, self._tools.values())
        self._reviewers = sorted(reviewers, key=lambda each: (each.position, each.reviewer))
        self._digests = _newest_first(digests)
        self._histories = histories or {}
        self._edit_times = edit_times or EditTimes()
        self._demo_tools = demo_tools or DemoTools()
        self._merges = list(merges)
        self._merges_into: dict[str, list[Merge]] = defaultdict(list)
        for merge in self._merges:
            self._merges_into[merge.tool].append(merge)

    def with_tallies(self, tools: Iterable[Tool | ToolTally]) -> "InMemoryContent":
        """This content with the votes and bookmarks of these known tools.

        All other parts stay the same objects, so whatever was cached for them stays valid.
        """
        changed = self._copy_without(*_LISTS)  # with its similar tools, which no tally changes
        changed._tools = self._tools | {tool.tool: self._with_tally(tool) for tool in tools}
        return changed

    def with_tools(
        self,
        tools: Mapping[str, Tool | None],
        histories: Mapping[str, History],
        demo_tools: DemoTools,
    ) -> "InMemoryContent":
        """This content with other records of some tools, by slug; None where one is gone.

        Args:
            tools: The records.
            histories: The histories of these tools, as far as they have any.
            demo_tools: Those of these tools that are of the demo.
        """
        changed = self._copy_without(*_LISTS, *_OF_TEXTS)
        every = {slug: tool for slug, tool in {**self._tools, **tools}.items() if tool}
        changed._tools = dict(sorted(every.items()))
        changed._categories = _with_undefined(
            (category for category in self._categories if category.version), every.values()
        )
        others = {slug: each for slug, each in self._histories.items() if slug not in tools}
        changed._histories = {**others, **histories}
        changed._demo_tools = DemoTools(
            *(
                (before - tools.keys()) | now
                for before, now in zip(self._demo_tools, demo_tools, strict=True)
            )
        )
        self._derive_indexes(changed, tools.keys())
        return changed

    def with_indexes_of(self, before: "InMemoryContent") -> "InMemoryContent":
        """This content with what of the indexes of former content still holds."""
        changed = self._copy_without(*_OF_TEXTS)
        before._derive_indexes(changed, {*before.slugs(), *changed.slugs()})
        return changed

    def with_digests(self, digests: Iterable[WeeklyDigest]) -> "InMemoryContent":
        """This content with other digests."""
        changed = self._copy_without()
        changed._digests = _newest_first(digests)
        return changed

    def slugs(self) -> Collection[str]:
        """Every listed tool, also the retired ones."""
        return self._tools.keys()

    def replaced_since(self, before: "InMemoryContent") -> set[str]:
        """The slugs of tools whose records are other objects than in former content."""
        former = before._tools
        replaced = {slug for slug, tool in self._tools.items() if former.get(slug) is not tool}
        return replaced | (former.keys() - self._tools.keys())

    def tool(self, slug: str) -> Tool | None:
        """Look a tool up."""
        return self._tools.get(slug)

    def merged_into(self, slug: str) -> str | None:
        """Look a merge up."""
        return next((merge.tool for merge in self._merges if merge.merged == slug), None)

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

    def merges(self) -> list[Merge]:
        """List the merges."""
        return self._merges

    def merges_into(self, slug: str) -> list[Merge]:
        """Look up the merges that lead to one tool."""
        return self._merges_into.get(slug, [])

    def digests(self) -> list[WeeklyDigest]:
        """List the digests."""
        return self._digests

    def _with_tally(self, tool: Tool | ToolTally) -> Tool:
        """The known record of a tool with these tallies."""
        return structs.replace(
            self._tools[tool.tool],
            community=tool.community,
            bookmarks=tool.bookmarks,
            version=tool.version,
        )

    @cached_property
    def _on_site(self) -> list[Tool]:
        return [tool for tool in self._tools.values() if tool.retired is None]

    @cached_property
    def _retired(self) -> list[Tool]:
        return [tool for tool in self._tools.values() if tool.retired is not None]

    @cached_property
    def _by_category(self) -> dict[str, list[Tool]]:
        by_category: dict[str, list[Tool]] = defaultdict(list)
        for tool in self._on_site:
            by_category[tool.category.slug].append(tool)
        return by_category

    def _copy_without(self, *cached: str) -> "InMemoryContent":
        """A copy that shares all but these cached properties."""
        changed = copy(self)
        for name in cached:
            changed.__dict__.pop(name, None)
        return changed

    def _derive_indexes(self, changed: "InMemoryContent", slugs: Iterable[str]) -> None:
        """Give changed content what of the indexes of this one still holds."""
        differ = {slug for slug in slugs if _place(self.tool(slug)) != _place(changed.tool(slug))}
        moved: dict[str, dict[str, Tool | None]] = defaultdict(dict)
        for content, slug in product((self, changed), differ):
            if tool := content.tool(slug):
                moved[tool.category.slug][slug] = None
        for slug in differ:
            if tool := changed.tool_on_site(slug):
                moved[tool.category.slug][slug] = tool
        changed.__dict__["_rivals"] = {
            category: rivals.with_tools(moved[category]) if category in moved else rivals
            for category, rivals in self._rivals.items()
        }
        if not differ:
            changed.__dict__["_similar_tools"] = self._similar_tools
        elif "_similar_tools" in self.__dict__:
            on_site = {slug: changed.tool_on_site(slug) for slug in differ}
            changed.__dict__["_similar_tools"] = self._similar_tools.with_tools(on_site)


_LISTS = ("_on_site", "_retired", "_by_category")
"""What is made from the records of all tools."""
_OF_TEXTS = ("_newest_listing", "_search_index", "_similar_tools", "_rivals")
"""The same, where no vote changes it."""


def _place(tool: Tool | None) -> tuple[str, frozenset[str]] | None:
    """What decides which tools are close to this one; None where it is not on the site."""
    if tool is None or tool.retired is not None:
        return None
    return tool.category.slug, distinctive_words(tool)


def _with_undefined(categories: Iterable[Category], tools: Iterable[Tool]) -> list[Category]:
    """The categories by slug, with one for each that only tools name, also retired ones."""
    by_slug = {
        tool.category.slug: Category(tool.category.slug, tool.category.name, "", 0)
        for tool in tools
    }
    by_slug |= {category.category: category for category in categories}
    return sorted(by_slug.values(), key=lambda category: category.category)


def _newest_first(digests: Iterable[WeeklyDigest]) -> list[WeeklyDigest]:
    return sorted(digests, key=lambda digest: digest.week, reverse=True)
