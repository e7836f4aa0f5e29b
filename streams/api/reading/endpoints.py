"""Public JSON reads: tools, comparisons, categories, reviewers, digests; and the visitor's own."""

import re
from typing import TypeVar

import msgspec
from msgspec import UNSET
from starlette.requests import Request
from starlette.responses import Response

from infra.http.fields import fields_of
from projections.aliases.lookup import find_merged_into, find_moved_into
from projections.history.weekly_digests import find_digest, list_digests
from projections.read.categories import find_category, list_categories
from projections.read.reviewers import find_reviewer, list_reviewers, list_reviews_by
from projections.read.tools import find_tool, find_tools, list_tools, list_tools_in
from projections.read.voters import list_bookmarks, read_choices
from schemas.fields import WEEK_PATTERN
from streams.api.accounts.voters import AccountVoter, Voters
from streams.api.http.problems import Problem
from streams.api.http.responses import PERSONAL, respond
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import ReadModel
from streams.api.reading.bodies import (
    BookmarkedTool,
    CategoryBody,
    ComparisonBody,
    DigestName,
    Items,
    Me,
    ReviewerBody,
    ToolName,
)
from streams.api.reading.pagination import (
    SLUG,
    WEEK_CURSOR,
    page_response,
    paginate,
    read_cursor,
    read_limit,
)

MAX_SLUG = 80
T = TypeVar("T")

_WEEK = re.compile(WEEK_PATTERN)


class ReadEndpoints:
    """Answers reads."""

    def __init__(self, read_model: ReadModel, tallies: TallyCache, voters: Voters) -> None:
        self._read_model = read_model
        self._tallies = tallies
        self._voters = voters

    async def tools(self, request: Request) -> Response:
        """`GET /v1/tools`."""
        limit, after = read_limit(request), read_cursor(request)
        tools = await self._read_model.run(list_tools, limit=limit + 1, after=after)
        return page_response(request, tools, limit, lambda tool: tool.tool)

    async def tool(self, request: Request) -> Response:
        """`GET /v1/tools/{tool}`."""
        slug = _read_slug(request, "tool")
        tool = await self._read_model.run(find_tool, slug)
        if tool is None:
            await self._redirect_merged(slug)
        return respond(request, _require(tool, "tool", slug))

    async def compare(self, request: Request) -> Response:
        """`GET /v1/compare/{a}-vs-{b}`."""
        pair: str = request.path_params["pair"]
        a, vs, b = pair.partition("-vs-")
        if not vs or a == b or not (SLUG.match(a) and SLUG.match(b)):
            raise Problem(404, f"{pair!r} does not name two tools, such as one-vs-other.")
        records = await self._read_model.run(find_tools, [a, b])
        tools = {tool.tool: tool for tool in records}
        if len(tools) < 2:
            await self._redirect_comparison(a, b)
        both = _require(tools.get(a), "tool", a), _require(tools.get(b), "tool", b)
        return respond(request, ComparisonBody(pair, both))

    async def _redirect_merged(self, slug: str) -> None:
        """Raise a redirect where the slug is another name of a tool."""
        if into := await self._read_model.run(find_merged_into, slug):
            raise _moved(f"/v1/tools/{into}", f"{slug!r} is another name of {into!r}.")

    async def _redirect_comparison(self, *slugs: str) -> None:
        """Raise a redirect to the comparison of the tools that these slugs are names of."""
        names = {slug: await self._read_model.run(find_merged_into, slug) for slug in slugs}
        if any(names.values()):
            tools = list(dict.fromkeys(names[slug] or slug for slug in slugs))
            path = (
                f"/v1/tools/{tools[0]}" if len(tools) == 1 else f"/v1/compare/{'-vs-'.join(tools)}"
            )
            raise _moved(path, "A tool of this comparison is another name of a second one.")

    async def categories(self, request: Request) -> Response:
        """`GET /v1/categories`."""
        categories = await self._read_model.run(list_categories)
        return paginate(request, categories, lambda category: category.category)

    async def category(self, request: Request) -> Response:
        """`GET /v1/categories/{category}`."""
        slug = _read_slug(request, "category")
        record = await self._read_model.run(find_category, slug)
        if record is None and (into := await self._read_model.run(find_moved_into, slug)):
            raise _moved(f"/v1/categories/{into}", f"{slug!r} is part of {into!r} now.")
        category = _require(record, "category", slug)
        tools = await self._read_model.run(list_tools_in, slug)
        names = [ToolName.of(tool.tool, tool.name) for tool in tools]
        return respond(request, CategoryBody(tools=names, **msgspec.structs.asdict(category)))

    async def reviewers(self, request: Request) -> Response:
        """`GET /v1/reviewers`, in the panel's order."""
        panel = await self._read_model.run(list_reviewers)
        return paginate(request, panel, lambda member: member.reviewer, sorted_by_key=False)

    async def reviewer(self, request: Request) -> Response:
        """`GET /v1/reviewers/{reviewer}`."""
        slug = _read_slug(request, "reviewer")
        record = await self._read_model.run(find_reviewer, slug)
        reviewer = _require(record, "reviewer", slug)
        reviews = await self._read_model.run(list_reviews_by, slug)
        return respond(request, ReviewerBody(reviews=reviews, **msgspec.structs.asdict(reviewer)))

    async def digests(self, request: Request) -> Response:
        """`GET /v1/digests`, newest first, the running week's included."""
        limit, before = read_limit(request), read_cursor(request, WEEK_CURSOR)
        digests = await self._read_model.run(list_digests)
        names = [DigestName.of(digest) for digest in digests if not before or digest.week < before]
        return page_response(request, names, limit, lambda digest: digest.week)

    async def digest(self, request: Request) -> Response:
        """`GET /v1/digests/{week}`."""
        week: str = request.path_params["week"]
        digest = None
        if _WEEK.match(week):
            digest = await self._read_model.run(find_digest, week)
        return respond(request, _require(digest, "digest of", week))

    async def me(self, request: Request) -> Response:
        """`GET /v1/me`: the visitor's own choices and bookmarks."""
        identified = await self._voters.identify(fields_of(request.scope))
        if identified is None:
            return respond(request, Me({}, []), cache=PERSONAL)
        voter = self._voters.pseudonym(identified)
        votes = await self._read_model.run(read_choices, voter)
        bookmarks = await self._read_model.run(list_bookmarks, voter)
        signed_in = isinstance(identified, AccountVoter) or UNSET
        return respond(request, Me(votes, bookmarks, signed_in), cache=PERSONAL)

    async def bookmarks(self, request: Request) -> Response:
        """`GET /v1/bookmarks`: the visitor's bookmarked tools, newest first."""
        tools = [await self._tallies.get(slug) for slug in await self.read_bookmarks(request)]
        bookmarked = [
            BookmarkedTool.of(tool.tool, tool.name, tool.panel_verdict)
            for tool in tools
            if tool and not tool.retired
        ]
        return respond(request, Items(bookmarked), cache=PERSONAL)

    async def read_bookmarks(self, request: Request) -> list[str]:
        """The slugs of the visitor's bookmarked tools, newest first."""
        voter = await self._voters.read_pseudonym(fields_of(request.scope))
        return await self._read_model.run(list_bookmarks, voter) if voter else []


def _read_slug(request: Request, kind: str) -> str:
    slug: str = request.path_params[kind]
    if len(slug) > MAX_SLUG or not SLUG.match(slug):
        raise Problem(404, f"There is no {kind} {slug!r}.")
    return slug


def _moved(path: str, detail: str) -> Problem:
    return Problem(308, detail, headers={"Location": path})


def _require(record: T | None, kind: str, slug: str) -> T:
    if record is None:
        raise Problem(404, f"There is no {kind} {slug!r}.")
    return record
