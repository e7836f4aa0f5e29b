"""What anybody may read as JSON: tools, comparisons, categories, reviewers, digests."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.digests import Counts
from schemas.fields import SLUG_PATTERN, WEEK_PATTERN
from schemas.records import Authored, Category, Choice, Reviewer, Tool
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.http.problems import Problem
from streams.api.http.responses import PERSONAL, answer
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import ReadModel

PAGE, MOST = 50, 200
T = TypeVar("T")

_SLUG = re.compile(SLUG_PATTERN)
_WEEK = re.compile(WEEK_PATTERN)


class ComparisonBody(msgspec.Struct, frozen=True):
    """Two tools side by side, in the order of the request."""

    compare: str
    tools: tuple[Tool, Tool]


class ToolName(msgspec.Struct, frozen=True):
    """A tool as a list names it; `path` is its page."""

    tool: str
    name: str
    path: str


class CategoryBody(msgspec.Struct, frozen=True):
    """A category and its tools."""

    category: str
    name: str
    description: str
    version: int
    tools: list[ToolName]


class ReviewerBody(msgspec.Struct, frozen=True):
    """A reviewer and the current reviews, newest first."""

    reviewer: str
    name: str
    motto: str
    position: int
    version: int
    reviews: list[Authored]


class DigestName(msgspec.Struct, frozen=True):
    """A digest as a list names it; `path` is its page."""

    week: str
    start: datetime
    end: datetime
    frozen: bool
    counts: Counts
    path: str


class Me(msgspec.Struct, frozen=True):
    """What the visitor has chosen: choices by tool, and the tools kept, the last first."""

    votes: Mapping[str, Choice]
    bookmarks: list[str]


class Items(msgspec.Struct, frozen=True):
    """One page of a list."""

    items: Sequence[Tool | Category | Reviewer | ToolName | DigestName | str]


class ReadEndpoints:
    """Answers readers."""

    def __init__(self, library: ReadModel, standings: TallyCache, voters: VoterCookies) -> None:
        self._library = library
        self._standings = standings
        self._voters = voters

    async def tools(self, request: Request) -> Response:
        """`GET /v1/tools`."""
        limit, after = _limit(request), _after(request)
        found = await self._library.tools(limit + 1, after)
        return _page(request, found, limit, lambda tool: tool.tool)

    async def tool(self, request: Request) -> Response:
        """`GET /v1/tools/{tool}`."""
        slug = _slug(request, "tool")
        found = await self._library.tool(slug)
        return answer(request, _there(found, "tool", slug))

    async def compare(self, request: Request) -> Response:
        """`GET /v1/compare/{a}-vs-{b}`."""
        pair: str = request.path_params["pair"]
        a, vs, b = pair.partition("-vs-")
        if not vs or a == b or not (_SLUG.match(a) and _SLUG.match(b)):
            raise Problem(404, f"{pair!r} does not name two tools, such as one-vs-other.")
        found = {tool.tool: tool for tool in await self._library.tools_named([a, b])}
        both = _there(found.get(a), "tool", a), _there(found.get(b), "tool", b)
        return answer(request, ComparisonBody(pair, both))

    async def categories(self, request: Request) -> Response:
        """`GET /v1/categories`."""
        return _sliced(request, await self._library.categories(), lambda it: it.category)

    async def category(self, request: Request) -> Response:
        """`GET /v1/categories/{category}`."""
        slug = _slug(request, "category")
        found = _there(await self._library.category(slug), "category", slug)
        tools = [_named(tool.tool, tool.name) for tool in await self._library.tools_in(slug)]
        return answer(request, CategoryBody(tools=tools, **msgspec.structs.asdict(found)))

    async def reviewers(self, request: Request) -> Response:
        """`GET /v1/reviewers`, in the panel's order."""
        panel = await self._library.reviewers()
        return _sliced(request, panel, lambda it: it.reviewer, ordered=False)

    async def reviewer(self, request: Request) -> Response:
        """`GET /v1/reviewers/{reviewer}`."""
        slug = _slug(request, "reviewer")
        found = _there(await self._library.reviewer(slug), "reviewer", slug)
        reviews = await self._library.reviews_by(slug)
        return answer(request, ReviewerBody(reviews=reviews, **msgspec.structs.asdict(found)))

    async def digests(self, request: Request) -> Response:
        """`GET /v1/digests`, newest first, the running week's included."""
        limit, before = _limit(request), _after(request, _WEEK)
        found = [
            DigestName(it.week, it.start, it.end, it.frozen, it.counts, f"/digests/{it.week}/")
            for it in await self._library.digests()
            if not before or it.week < before
        ]
        return _page(request, found, limit, lambda it: it.week)

    async def digest(self, request: Request) -> Response:
        """`GET /v1/digests/{week}`."""
        week: str = request.path_params["week"]
        found = await self._library.digest(week) if _WEEK.match(week) else None
        return answer(request, _there(found, "digest of", week))

    async def me(self, request: Request) -> Response:
        """`GET /v1/me`: the visitor's own choices and bookmarks."""
        name = self._voter(request)
        if name is None:
            return answer(request, Me({}, []), cache=PERSONAL)
        votes = await self._library.choices_of(name)
        kept = await self._library.bookmarks_of(name)
        return answer(request, Me(votes, kept), cache=PERSONAL)

    async def bookmarks(self, request: Request) -> Response:
        """`GET /v1/bookmarks`: the tools that the visitor keeps, the last first."""
        kept = await self.bookmarks_of(request)
        standings = [await self._standings.find(slug) for slug in kept]
        items = [_named(it.tool, it.name) for it in standings if it and not it.retired]
        return answer(request, Items(items), cache=PERSONAL)

    async def bookmarks_of(self, request: Request) -> list[str]:
        """The tools that the visitor of a page keeps, the last first."""
        name = self._voter(request)
        return await self._library.bookmarks_of(name) if name else []

    def _voter(self, request: Request) -> str | None:
        voter = self._voters.read(dict(request.scope["headers"]))
        return self._voters.pseudonym(voter) if voter else None


def _named(tool: str, name: str) -> ToolName:
    return ToolName(tool, name, f"/tools/{tool}/")


def _slug(request: Request, kind: str) -> str:
    slug: str = request.path_params[kind]
    if len(slug) > 80 or not _SLUG.match(slug):
        raise Problem(404, f"There is no {kind} {slug!r}.")
    return slug


def _there(found: T | None, kind: str, slug: str) -> T:
    if found is None:
        raise Problem(404, f"There is no {kind} {slug!r}.")
    return found


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(PAGE))
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1):
        raise Problem(400, f"limit is a whole number from 1 to {MOST}.")
    return min(int(text[:9]), MOST)


def _after(request: Request, key_of: re.Pattern[str] = _SLUG) -> str:
    """The last key of the page before, which the cursor carries."""
    cursor = request.query_params.get("cursor", "")
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        key = "\0"
    if cursor and not key_of.match(key):
        raise Problem(400, "cursor is none of ours: follow the Link of the page before.")
    return key


def _sliced(
    request: Request, found: list[T], key: Callable[[T], str], *, ordered: bool = True
) -> Response:
    """One page of a list that was read whole."""
    limit, after = _limit(request), _after(request)
    if ordered:
        rest = [item for item in found if key(item) > after]
    else:
        place = next((index for index, item in enumerate(found) if key(item) == after), -1)
        rest = found[place + 1 :]
    return _page(request, rest[: limit + 1], limit, key)


def _page(request: Request, found: list[T], limit: int, key: Callable[[T], str]) -> Response:
    """At most `limit` of the items, with a link to the rest."""
    shown = found[:limit]
    headers = {}
    if len(found) > limit:
        cursor = urlsafe_b64encode(key(shown[-1]).encode()).rstrip(b"=").decode()
        query = urlencode({"limit": limit, "cursor": cursor})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
    return answer(request, Items(shown), headers=headers)  # type: ignore[arg-type]
