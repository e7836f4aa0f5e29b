"""Votes and bookmarks without JavaScript: forms, answered with a redirect back to their page."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.http.fields import fields_of
from schemas.events import BookmarkAdded, BookmarkRemoved, VoteCast, VoteRetracted
from schemas.text.isolation import isolate
from streams.api.auth.csrf import CsrfTokens
from streams.api.auth.request_origin import OriginPolicy
from streams.api.forms import URLENCODED, read_form
from streams.api.http.html_page import html_page
from streams.api.http.problems import Problem
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.live.tally_cache import CachedTool
from streams.api.voting.vote_response import REMOVALS, VoterChange
from streams.api.voting.vote_service import BrowserRequest, VoteService

MAX_BYTES = 4096


class FormAction(msgspec.Struct, frozen=True):
    """What a value of a form's field does, and the words that ask for confirmation."""

    change: type[VoterChange]
    label: str
    fields: dict[str, str] = {}

    @property
    def creates_voter(self) -> bool:
        """Whether a browser without votes may do it."""
        return self.change not in REMOVALS


_VOTES: Mapping[str, FormAction] = {
    "ship": FormAction(VoteCast, "Vote ship for", {"choice": "ship"}),
    "skip": FormAction(VoteCast, "Vote skip for", {"choice": "skip"}),
    "none": FormAction(VoteRetracted, "Remove your vote for"),
}
_BOOKMARKS: Mapping[str, FormAction] = {
    "1": FormAction(BookmarkAdded, "Bookmark"),
    "0": FormAction(BookmarkRemoved, "Remove your bookmark for"),
}


class FormSubmission(msgspec.Struct, frozen=True):
    """A submitted form.

    Attributes:
        path: The form's address.
        tool: The tool's slug.
        field: The name of the field that says what to do.
        value: Its value.
        token: The CSRF token of a confirmation.
        back: The path of the page to return to; may be empty.
    """

    path: str
    tool: str
    field: str
    value: str
    token: str
    back: str

    @property
    def action(self) -> str:
        """The action that a CSRF token is bound to."""
        return f"{self.path} {self.tool} {self.value}"


class FormEndpoints:
    """Answers the two forms."""

    def __init__(
        self,
        votes: VoteService,
        origins: OriginPolicy,
        csrf_tokens: CsrfTokens,
        clock: MonotonicClock,
    ) -> None:
        self._votes = votes
        self._origins = origins
        self._csrf_tokens = csrf_tokens
        self._clock = clock

    async def vote(self, request: Request) -> Response:
        """`POST /vote` with `tool` and `choice` of `ship`, `skip`, `none`."""
        return await self._answer(request, "choice", _VOTES)

    async def bookmark(self, request: Request) -> Response:
        """`POST /bookmark` with `tool` and `saved` of `1`, `0`."""
        return await self._answer(request, "saved", _BOOKMARKS)

    async def _answer(
        self, request: Request, field: str, actions: Mapping[str, FormAction]
    ) -> Response:
        try:
            return await self._submit(request, field, actions)
        except Problem as problem:
            response = html_page("problem.html", problem.status, detail=problem.detail)
            response.headers.update(problem.headers)
            return response

    async def _submit(
        self, request: Request, field: str, actions: Mapping[str, FormAction]
    ) -> Response:
        browser = BrowserRequest(request.scope, fields_of(request.scope))
        form = await _read_submission(request, browser, field)
        if form.value not in actions:
            raise Problem(422, f"{field} must be one of {', '.join(actions)}.")
        action = actions[form.value]
        allow_retired = action.change in REMOVALS
        try:
            tool = await self._votes.require_tool(form.tool, allow_retired=allow_retired)
        except Problem as problem:  # the page may be older than a merge
            into = problem.members.get("into")
            if into is None:
                raise
            tool = await self._votes.require_tool(into, allow_retired=allow_retired)
        if not await self._is_confirmed(browser, form):
            return await self._ask_confirmation(
                browser, form, f"{action.label} {isolate(tool.name)}"
            )
        return await self._apply(browser, form, action, tool)

    async def _apply(
        self, browser: BrowserRequest, form: FormSubmission, action: FormAction, tool: CachedTool
    ) -> Response:
        response = RedirectResponse(form.back or f"/tools/{form.tool}/", 303)
        if action.creates_voter or await self._votes.read_voter(browser):
            answered = await self._votes.change(browser, action.change, tool, **action.fields)
            response.headers["Set-Cookie"] = answered.cookie
        return response

    async def _is_confirmed(self, browser: BrowserRequest, form: FormSubmission) -> bool:
        """Whether one of our pages sent the form, or the form has a valid CSRF token.

        Raises:
            Problem: 403 when the browser says that another site sent it.
        """
        source = self._origins.source(browser.headers)
        if source == "other":
            raise Problem(403, "Another site sent this form, so nothing was changed.")
        voter = await self._votes.read_voter(browser)
        return source == "same" or self._csrf_tokens.is_valid(
            form.token, voter, form.action, self._clock.now()
        )

    async def _ask_confirmation(
        self, browser: BrowserRequest, form: FormSubmission, label: str
    ) -> Response:
        voter = await self._votes.read_voter(browser)
        token = self._csrf_tokens.issue(voter, form.action, self._clock.now())
        fields = {"tool": form.tool, form.field: form.value, "token": token, "back": form.back}
        return html_page("confirmation.html", label=label, action=form.path, fields=fields)


async def _read_submission(request: Request, browser: BrowserRequest, field: str) -> FormSubmission:
    form = await read_form(request.receive, browser.headers, limit=MAX_BYTES, accepted=[URLENCODED])
    return FormSubmission(
        path=request.scope["path"],
        tool=form.get("tool"),
        field=field,
        value=form.get(field),
        token=form.get("token"),
        back=_local_path(form.get("back")) or _referer_path(browser),
    )


def _referer_path(browser: BrowserRequest) -> str:
    """The path of the page with the form, when that page is one of ours."""
    try:
        referer = urlsplit(browser.headers.get(b"referer", b"").decode("latin-1"))
    except ValueError:
        return ""
    if referer.netloc.lower() != browser.headers.get(b"host", b"").decode("latin-1").lower():
        return ""
    return _local_path(referer.path + (f"?{referer.query}" if referer.query else ""))


def _local_path(path: str) -> str:
    """The path, unless a browser could read it as another host."""
    local = path.startswith("/") and not path.startswith("//") and path.isprintable()
    return path if local and "\\" not in path else ""
