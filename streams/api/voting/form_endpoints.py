"""Votes and bookmarks without JavaScript: forms, answered with the way back."""

from collections.abc import Mapping
from html import escape
from urllib.parse import parse_qsl, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted
from streams.api.auth.request_origin import OriginPolicy
from streams.api.auth.voter_cookie import CsrfTokens
from streams.api.http.html_page import page
from streams.api.http.problems import Problem
from streams.api.http.responses import read_body
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.live.tally_cache import CachedTool
from streams.api.voting.vote_service import BrowserRequest, VoterChange, VoteService

MOST_BYTES = 4096

FormAction = tuple[type[VoterChange], dict[str, str]]
_VOTES: Mapping[str, FormAction] = {
    "ship": (VoteCast, {"choice": "ship"}),
    "skip": (VoteCast, {"choice": "skip"}),
    "none": (VoteRetracted, {}),
}
_BOOKMARKS: Mapping[str, FormAction] = {"1": (BookmarkAdded, {}), "0": (BookmarkRemoved, {})}
_WORDS = {
    ("choice", "ship"): "Vote ship for",
    ("choice", "skip"): "Vote skip for",
    ("choice", "none"): "Take back the vote for",
    ("saved", "1"): "Bookmark",
    ("saved", "0"): "Remove the bookmark of",
}


class FormSubmission(msgspec.Struct, frozen=True):
    """A form that was sent: the tool, the field that says what, and where to go back to."""

    path: str
    tool: str
    field: str
    value: str
    token: str
    back: str

    @property
    def action(self) -> str:
        """What a confirmation is good for."""
        return f"{self.path} {self.tool} {self.value}"


class FormEndpoints:
    """Takes the two forms."""

    def __init__(
        self,
        booth: VoteService,
        origins: OriginPolicy,
        confirmations: CsrfTokens,
        stamps: MonotonicClock,
    ) -> None:
        self._booth = booth
        self._origins = origins
        self._confirmations = confirmations
        self._stamps = stamps

    async def vote(self, request: Request) -> Response:
        """`POST /vote` with `tool` and `choice` of `ship`, `skip`, `none`."""
        return await self._answer(request, "choice", _VOTES)

    async def bookmark(self, request: Request) -> Response:
        """`POST /bookmark` with `tool` and `saved` of `1`, `0`."""
        return await self._answer(request, "saved", _BOOKMARKS)

    async def _answer(
        self, request: Request, field: str, meant: Mapping[str, FormAction]
    ) -> Response:
        try:
            return await self._take(request, field, meant)
        except Problem as problem:
            response = page("That did not work", f"<p>{escape(problem.detail)}</p>", problem.status)
            response.headers.update(problem.headers)
            return response

    async def _take(
        self, request: Request, field: str, meant: Mapping[str, FormAction]
    ) -> Response:
        visit = BrowserRequest(request.scope, dict(request.scope["headers"]))
        filled = await _filled(request, visit, field)
        if filled.value not in meant:
            raise Problem(422, f"{field} is one of {', '.join(meant)}.")
        kind, said = meant[filled.value]
        standing = await self._booth.require_tool(filled.tool, retired_too=kind is BookmarkRemoved)
        if not self._is_meant(visit, filled):
            return self._confirmation(visit, filled, standing)
        response = RedirectResponse(filled.back or f"/tools/{filled.tool}/", 303)
        if kind in (VoteCast, BookmarkAdded) or self._booth.voters.read(visit.headers):
            taken = await self._booth.submit(visit, kind, filled.tool, **said)
            await self._booth.await_visible(taken, standing)
            response.headers["Set-Cookie"] = taken.cookie
        return response

    def _is_meant(self, visit: BrowserRequest, filled: FormSubmission) -> bool:
        """Whether a page of ours sent the form; False where only the person can tell.

        Raises:
            Problem: 403 when the browser says that another site sent it.
        """
        source = self._origins.source(visit.headers)
        if source == "other":
            raise Problem(403, "Another site sent this form, so nothing was changed.")
        voter = self._booth.voters.read(visit.headers)
        return source == "same" or self._confirmations.holds(
            filled.token, voter, filled.action, self._stamps.clock()
        )

    def _confirmation(
        self, visit: BrowserRequest, filled: FormSubmission, standing: CachedTool
    ) -> Response:
        voter = self._booth.voters.read(visit.headers)
        token = self._confirmations.token(voter, filled.action, self._stamps.clock())
        said = {
            "tool": filled.tool, filled.field: filled.value, "token": token, "back": filled.back,
        }  # fmt: skip
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">'
            for name, value in said.items()
        )
        words = f"{_WORDS[filled.field, filled.value]} {standing.name}"
        return page(
            f"{words}?",
            "<p>Your browser did not say which site this came from, so please confirm it.</p>"
            f'<form method="post" action="{filled.path}">{hidden}'
            f"<button>{escape(words)}</button></form>",
        )


async def _filled(request: Request, visit: BrowserRequest, field: str) -> FormSubmission:
    kind = visit.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise Problem(415, "Send a form as application/x-www-form-urlencoded.")
    body = await read_body(request.receive, visit.headers, MOST_BYTES)
    try:
        said = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise Problem(400, "The form is not readable.") from None
    return FormSubmission(
        path=request.url.path,
        tool=said.get("tool", ""),
        field=field,
        value=said.get(field, ""),
        token=said.get("token", ""),
        back=_local(said.get("back", "")) or _back(visit),
    )


def _back(visit: BrowserRequest) -> str:
    """The path of the page that the form stands on, when that is one of ours."""
    try:
        referer = urlsplit(visit.headers.get(b"referer", b"").decode("latin-1"))
    except ValueError:
        return ""
    if referer.netloc.lower() != visit.headers.get(b"host", b"").decode("latin-1").lower():
        return ""
    return _local(referer.path + (f"?{referer.query}" if referer.query else ""))


def _local(path: str) -> str:
    """The path, if a browser cannot take it for another host."""
    harmless = path.startswith("/") and not path.startswith("//") and path.isprintable()
    return path if harmless and "\\" not in path else ""
