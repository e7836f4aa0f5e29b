"""What a visitor may take along: bookmarks as JSON, CSV or the file that browsers import; votes."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from projections.read.queries import OwnVote, SavedTool
from schemas.records import Choice
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.http.responses import PERSONAL, answer
from streams.api.read_model import ReadModel


class Bookmark(msgspec.Struct, frozen=True):
    """A tool that was kept, where it is, and since when."""

    tool: str
    name: str
    tagline: str
    url: str
    time: datetime


class Vote(msgspec.Struct, frozen=True):
    """A choice for a tool, and when it was made."""

    tool: str
    name: str
    url: str
    choice: Choice
    time: datetime


class PersonalExport:
    """Gives a visitor files of what is the visitor's own.

    Args:
        library: Knows bookmarks and votes.
        voters: Knows who asks.
        public_url: The site's address, which the links in a file begin with.
    """

    def __init__(self, library: ReadModel, voters: VoterCookies, public_url: str) -> None:
        self._library = library
        self._voters = voters
        self._public_url = public_url

    async def bookmarks_json(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.json`."""
        return _file(answer(request, await self._bookmarks(request), cache=PERSONAL), request)

    async def bookmarks_csv(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.csv`: UTF-8 with a header line (RFC 4180)."""
        return await self._text(request, _csv, "text/csv; charset=utf-8")

    async def bookmarks_html(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.html`: the Netscape bookmark file that every browser imports."""
        return await self._text(request, _netscape, "text/html; charset=utf-8")

    async def votes_json(self, request: Request) -> Response:
        """`GET /v1/me/votes.json`."""
        found = await self._library.votes_of(name) if (name := self._name(request)) else []
        votes = [self._vote(cast) for cast in found]
        return _file(answer(request, votes, cache=PERSONAL), request)

    async def _text(
        self, request: Request, write: Callable[[Sequence[Bookmark]], str], media_type: str
    ) -> Response:
        text = write(await self._bookmarks(request)).encode()
        return _file(answer(request, text, cache=PERSONAL, media_type=media_type), request)

    async def _bookmarks(self, request: Request) -> list[Bookmark]:
        name = self._name(request)
        return [self._bookmark(it) for it in await self._library.kept_by(name)] if name else []

    def _name(self, request: Request) -> str | None:
        voter = self._voters.read(dict(request.scope["headers"]))
        return self._voters.pseudonym(voter) if voter else None

    def _bookmark(self, kept: SavedTool) -> Bookmark:
        return Bookmark(kept.tool, kept.name, kept.tagline, self._url(kept.tool), kept.time)

    def _vote(self, cast: OwnVote) -> Vote:
        return Vote(cast.tool, cast.name, self._url(cast.tool), cast.choice, cast.time)

    def _url(self, tool: str) -> str:
        return f"{self._public_url}/tools/{tool}/"


def _file(response: Response, request: Request) -> Response:
    """Make a browser save the answer under the last part of its path."""
    name = request.url.path.rpartition("/")[2]
    response.headers["Content-Disposition"] = f'attachment; filename="verdicts-{name}"'
    return response


def _csv(bookmarks: Sequence[Bookmark]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(Bookmark.__struct_fields__)
    for it in bookmarks:
        writer.writerow((it.tool, it.name, it.tagline, it.url, it.time.isoformat()))
    return text.getvalue()


def _netscape(bookmarks: Sequence[Bookmark]) -> str:
    lines = [
        "<!DOCTYPE NETSCAPE-Bookmark-file-1>",
        '<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">',
        "<TITLE>Bookmarks</TITLE>",
        "<H1>Bookmarks</H1>",
        "<DL><p>",
    ]
    for it in bookmarks:
        since = int(it.time.timestamp())
        link = f'<A HREF="{escape(it.url)}" ADD_DATE="{since}">{escape(it.name)}</A>'
        lines += [f"    <DT>{link}", f"    <DD>{escape(it.tagline)}"]
    return "\n".join([*lines, "</DL><p>", ""])
