"""Every operation of the API, as the OpenAPI document and the docs page describe it."""

from typing import Any, NamedTuple

import msgspec

from schemas.digests import WeeklyDigest
from schemas.records import Category, Reviewer, Tool
from streams.api.ingest.results import Results
from streams.api.live.sse import TallyChanged
from streams.api.reading.bodies import (
    BookmarkedTool,
    CategoryBody,
    ComparisonBody,
    DigestName,
    Me,
    ReviewerBody,
)
from streams.api.reading.export import Bookmark, Vote
from streams.api.status.pipeline_status import StatusEvaluation
from streams.api.voting.endpoints import VoteBody
from streams.api.voting.vote_response import VoteResponse

FORM = "application/x-www-form-urlencoded"


class Operation(NamedTuple):
    """One method of one path.

    Attributes:
        method: The HTTP method.
        path: The route's path.
        summary: What it does, in a few words.
        response: The type of the response's body.
        items: Whether the response is a list: an object with `items`.
        body: The type of the request's body.
        form: Whether the request's body is a form.
        query: Names of query parameters.
        statuses: Statuses of success.
        errors: Statuses with problem details.
        note: What else a caller needs to know.
    """

    method: str
    path: str
    summary: str
    response: Any = None
    items: bool = False
    body: Any = None
    form: bool = False
    query: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    note: str = ""

    @property
    def path_with_query(self) -> str:
        """The path, followed by its query parameters."""
        return f"{self.path} ?{'=…&'.join(self.query)}=…" if self.query else self.path


class ServiceStatus(msgspec.Struct, frozen=True):
    """The response of a health check."""

    status: str


class CloudEvent(msgspec.Struct, frozen=True):
    """A CloudEvent; send both `id` and `time`, or neither."""

    type: str
    data: dict[str, Any]
    specversion: str = "1.0"
    id: str | None = None
    time: str | None = None
    source: str | None = None
    datacontenttype: str | None = None


class VoteForm(msgspec.Struct, frozen=True):
    """The fields of the vote form."""

    tool: str
    choice: str


class BookmarkForm(msgspec.Struct, frozen=True):
    """The fields of the bookmark form."""

    tool: str
    saved: str


_CHANGE_ERRORS = (403, 404, 408, 410, 413, 429, 503)
_FORM_ERRORS = (400, 415, 422, *_CHANGE_ERRORS)
_INGEST = (
    "1 to 500 events, at most 1 MiB, with a bearer token. The response comes once the broker has "
    "acknowledged them: 202 all accepted, 207 some, 422 none. `Prefer: wait=5` waits until they "
    "are applied and then answers 200. `subject`, `dataschema` and extensions are ignored. Binary "
    "mode takes one event, with its attributes in headers `ce-*`. Codes of rejected "
    "events: `forbidden`, `future-time`, `invalid-text`, `invalid-time`, `invalid-value`, "
    "`malformed`, `missing-field`, `too-large`, `unavailable`, `unknown-field`, `unknown-type`."
)
_BROWSER = (
    "For this site's own pages: requires their `Origin` or `Sec-Fetch-Site: same-origin`. "
    "A cookie identifies the voter. Waits up to a second for tally and page."
)
_STREAM = (
    "Server-Sent Events named `tally`, with the version as their id. The current tallies come "
    "first, except those that `Last-Event-ID` shows the client already has."
)
_FORM_NOTE = (
    "Redirects back to the page with 303, or asks for confirmation when the browser does not say "
    "which site sent the form."
)


def _change(method: str, path: str, summary: str) -> Operation:
    return Operation(method, path, summary, VoteResponse, errors=_CHANGE_ERRORS, note=_BROWSER)


def _list(path: str, summary: str, item: Any) -> Operation:
    return Operation(
        "GET", path, summary, list[item], items=True, query=("limit", "cursor"), errors=(400, 503)
    )


def _get(path: str, summary: str, response: Any = None, *errors: int, note: str = "") -> Operation:
    return Operation("GET", path, summary, response, errors=errors, note=note)


OPERATIONS = (
    Operation("POST", "/v1/events", "Send events", Results, body=list[CloudEvent],
              statuses=(200, 202, 207, 422), errors=(400, 401, 403, 408, 413, 415, 429, 503),
              note=_INGEST),
    Operation("PUT", "/v1/tools/{tool}/vote", "Cast or change a vote", VoteResponse, body=VoteBody,
              errors=(400, 422, *_CHANGE_ERRORS), note=_BROWSER),
    _change("DELETE", "/v1/tools/{tool}/vote", "Remove a vote"),
    _change("PUT", "/v1/bookmarks/{tool}", "Add a bookmark"),
    _change("DELETE", "/v1/bookmarks/{tool}", "Remove a bookmark"),
    Operation("GET", "/v1/changes", "Stream tally changes", TallyChanged, query=("tool",),
              errors=(400, 429, 503), note=_STREAM),
    _list("/v1/tools", "List tools", Tool),
    _get("/v1/tools/{tool}", "Get a tool", Tool, 404, 503),
    _get("/v1/compare/{pair}", "Compare two tools", ComparisonBody, 404, 503,
         note="`{pair}` is `{a}-vs-{b}`."),
    _list("/v1/categories", "List categories", Category),
    _get("/v1/categories/{category}", "Get a category", CategoryBody, 404, 503),
    _list("/v1/reviewers", "List reviewers", Reviewer),
    _get("/v1/reviewers/{reviewer}", "Get a reviewer", ReviewerBody, 404, 503),
    _list("/v1/digests", "List digests", DigestName),
    _get("/v1/digests/{week}", "Get a digest", WeeklyDigest, 404, 503),
    _get("/v1/me", "Get your votes and bookmarks", Me, 503),
    _get("/v1/me/bookmarks.json", "Export your bookmarks as JSON", list[Bookmark], 503),
    _get("/v1/me/bookmarks.csv", "Export your bookmarks as CSV", None, 503),
    _get("/v1/me/bookmarks.html", "Export your bookmarks for a browser to import", None, 503),
    _get("/v1/me/votes.json", "Export your votes as JSON", list[Vote], 503),
    Operation("GET", "/v1/bookmarks", "List your bookmarks", list[BookmarkedTool], items=True,
              errors=(503,)),
    Operation("POST", "/vote", "Vote with a form", body=VoteForm, form=True, statuses=(200, 303),
              errors=_FORM_ERRORS, note=f"`choice` is `ship`, `skip` or `none`. {_FORM_NOTE}"),
    Operation("POST", "/bookmark", "Bookmark with a form", body=BookmarkForm, form=True,
              statuses=(200, 303), errors=_FORM_ERRORS,
              note=f"`saved` is `1` or `0`. {_FORM_NOTE}"),
    _get("/healthz", "Liveness check", ServiceStatus),
    _get("/readyz", "Readiness check", ServiceStatus, 503),
    Operation("GET", "/status", "Pipeline status", StatusEvaluation, statuses=(200, 503),
              note="200 when a vote sent now would reach a page."),
    _get("/metrics", "Prometheus metrics"),
    _get("/openapi.json", "OpenAPI description"),
    _get("/docs", "Documentation page"),
)  # fmt: skip
