"""A visitor's own data as files: bookmarks as JSON, CSV or for browsers; votes as JSON."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.http.fields import fields_of
from projections.read.voters import list_own_votes, list_saved_tools
from schemas.records import Choice
from schemas.text.isolation import drop_controls
from streams.api.accounts.voters import Voters
from streams.api.http.html_page import render
from streams.api.http.responses import PERSONAL, respond
from streams.api.read_model import ReadModel

_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""In ASCII and full width. Tabs and line breaks, which count too, never begin a line."""


class Bookmark(msgspec.Struct, frozen=True):
    """A bookmarked tool, its page, and when it was bookmarked."""

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
    """Answers with files of the visitor's own data.

    Args:
        read_model: Reads bookmarks and votes.
        voters: Identifies the visitor.
        public_url: The site's address, for the links in a file.
    """

    def __init__(self, read_model: ReadModel, voters: Voters, public_url: str) -> None:
        self._read_model = read_model
        self._voters = voters
        self._public_url = public_url

    async def bookmarks_json(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.json`."""
        bookmarks = await self._read_bookmarks(request)
        return _as_file(respond(request, bookmarks, cache=PERSONAL), request)

    async def bookmarks_csv(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.csv`: UTF-8 with a header line (RFC 4180)."""
        return await self._bookmarks_as(request, _write_csv, "text/csv; charset=utf-8")

    async def bookmarks_html(self, request: Request) -> Response:
        """`GET /v1/me/bookmarks.html`: the Netscape bookmark file that every browser imports."""
        return await self._bookmarks_as(request, _write_netscape, "text/html; charset=utf-8")

    async def votes_json(self, request: Request) -> Response:
        """`GET /v1/me/votes.json`."""
        voter = await self._voters.read_pseudonym(fields_of(request.scope))
        votes = await self._read_model.run(list_own_votes, voter) if voter else []
        exported = [
            Vote(vote.tool, vote.name, self._url(vote.tool), vote.choice, vote.time)
            for vote in votes
        ]
        return _as_file(respond(request, exported, cache=PERSONAL), request)

    async def _bookmarks_as(
        self, request: Request, write: Callable[[Sequence[Bookmark]], str], media_type: str
    ) -> Response:
        text = write(await self._read_bookmarks(request)).encode()
        return _as_file(respond(request, text, cache=PERSONAL, media_type=media_type), request)

    async def _read_bookmarks(self, request: Request) -> list[Bookmark]:
        voter = await self._voters.read_pseudonym(fields_of(request.scope))
        tools = await self._read_model.run(list_saved_tools, voter) if voter else []
        return [
            Bookmark(tool.tool, tool.name, tool.tagline, self._url(tool.tool), tool.time)
            for tool in tools
        ]

    def _url(self, tool: str) -> str:
        return f"{self._public_url}/tools/{tool}/"


def _as_file(response: Response, request: Request) -> Response:
    """Make a browser save the response under the last segment of its path."""
    name = request.scope["path"].rpartition("/")[2]
    response.headers["Content-Disposition"] = f'attachment; filename="verdicts-{name}"'
    return response


def _write_csv(bookmarks: Sequence[Bookmark]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(Bookmark.__struct_fields__)
    for bookmark in bookmarks:
        texts = (bookmark.tool, bookmark.name, bookmark.tagline, bookmark.url)
        writer.writerow((*map(_as_cell, texts), bookmark.time.isoformat()))
    return text.getvalue()


def _as_cell(text: str) -> str:
    """The text on one line; an apostrophe keeps a spreadsheet from reading it as a formula."""
    line = " ".join(str(drop_controls(text)).split())
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line


def _write_netscape(bookmarks: Sequence[Bookmark]) -> str:
    # Importers know few character references: &quot;, but not the &#34; of Jinja.
    return render("bookmarks.html", bookmarks=bookmarks).replace("&#34;", "&quot;")
