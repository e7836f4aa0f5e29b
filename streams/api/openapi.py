"""`/openapi.json` and `/docs`: made from the types that the routes themselves use."""

import json
from functools import cache
from html import escape
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from schemas.digests import WeeklyDigest
from schemas.events import EVENT_TYPES
from schemas.records import Category, Reviewer, Tool
from streams.api.http.html_page import page
from streams.api.http.responses import answer
from streams.api.ingest.endpoint import Results
from streams.api.live.sse import TallyChanged
from streams.api.reading.endpoints import (
    CategoryBody,
    ComparisonBody,
    DigestName,
    Me,
    ReviewerBody,
    ToolName,
)
from streams.api.reading.export import Bookmark, Vote
from streams.api.status.pipeline_status import StatusEvaluation
from streams.api.voting.endpoints import VoteBody
from streams.api.voting.vote_service import VoteResponse


class ProblemDetails(msgspec.Struct, frozen=True):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    pointer: str | None = None


class Operation(NamedTuple):
    """One route and method: what it does, what it takes and gives, which errors to expect."""

    method: str
    path: str
    does: str
    gives: Any = None
    takes: Any = None
    query: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    note: str = ""


class _Status(msgspec.Struct, frozen=True):
    status: str


class _Event(msgspec.Struct, frozen=True):
    """A CloudEvent; `id` and `time` come both or neither."""

    type: str
    data: dict[str, Any]
    specversion: str = "1.0"
    id: str | None = None
    time: str | None = None
    source: str | None = None
    datacontenttype: str | None = None


class _ToolForm(msgspec.Struct, frozen=True):
    tool: str
    choice: str


class _BookmarkForm(msgspec.Struct, frozen=True):
    tool: str
    saved: str


_PAGED = ("limit", "cursor")
_CHANGING = (403, 404, 408, 410, 413, 429, 503)
_INGEST = (
    "1 to 500 events, at most 1 MiB, with a bearer token; answered once the broker has "
    "acknowledged them. 202: all accepted, 207: some, 422: none; `Prefer: wait=5` waits until "
    "they are applied and then answers 200. Attributes other than those shown are refused. "
    "Codes of rejected events: `forbidden`, `future-time`, `invalid-text`, `invalid-time`, "
    "`invalid-value`, `malformed`, `missing-field`, `too-large`, `unavailable`, `unknown-field`, "
    "`unknown-type`."
)
_VOTERS = (
    "For this site's own pages: needs their `Origin` or `Sec-Fetch-Site: same-origin`. "
    "A cookie names the voter. Waits up to a second for tally and page."
)
_STREAM = (
    "Server-Sent Events named `tally`, whose id is the version. First come the present tallies, "
    "except what `Last-Event-ID` says is known."
)

OPERATIONS = (
    Operation("POST", "/v1/events", "Send events", Results, list[_Event], (), (200, 202, 207, 422),
              (400, 401, 403, 408, 413, 415, 429, 503), _INGEST),
    Operation("PUT", "/v1/tools/{tool}/vote", "Vote", VoteResponse, VoteBody, (), (200,),
              (400, 422, *_CHANGING), _VOTERS),
    Operation("DELETE", "/v1/tools/{tool}/vote", "Take back a vote", VoteResponse, None, (), (200,),
              _CHANGING, _VOTERS),
    Operation("PUT", "/v1/bookmarks/{tool}", "Keep a tool", VoteResponse, None, (), (200,),
              _CHANGING, _VOTERS),
    Operation("DELETE", "/v1/bookmarks/{tool}", "Let a tool go", VoteResponse, None, (), (200,),
              _CHANGING, _VOTERS),
    Operation("GET", "/v1/changes", "Follow tallies", TallyChanged, None, ("tool",), (200,),
              (400, 503), _STREAM),
    Operation("GET", "/v1/tools", "List tools", list[Tool], None, _PAGED, (200,), (400, 503)),
    Operation("GET", "/v1/tools/{tool}", "Read a tool", Tool, errors=(404, 503)),
    Operation("GET", "/v1/compare/{pair}", "Compare two tools", ComparisonBody, errors=(404, 503),
              note="`{pair}` is `{a}-vs-{b}`."),
    Operation("GET", "/v1/categories", "List categories", list[Category], None, _PAGED, (200,),
              (400, 503)),
    Operation("GET", "/v1/categories/{category}", "Read a category", CategoryBody,
              errors=(404, 503)),
    Operation("GET", "/v1/reviewers", "List the panel", list[Reviewer], None, _PAGED, (200,),
              (400, 503)),
    Operation("GET", "/v1/reviewers/{reviewer}", "Read a reviewer", ReviewerBody,
              errors=(404, 503)),
    Operation("GET", "/v1/digests", "List digests", list[DigestName], None, _PAGED, (200,),
              (400, 503)),
    Operation("GET", "/v1/digests/{week}", "Read a digest", WeeklyDigest, errors=(404, 503)),
    Operation("GET", "/v1/me", "Read the own choices", Me, errors=(503,)),
    Operation("GET", "/v1/me/bookmarks.json", "Save the own bookmarks", list[Bookmark],
              errors=(503,)),
    Operation("GET", "/v1/me/bookmarks.csv", "Save the own bookmarks as CSV", errors=(503,)),
    Operation("GET", "/v1/me/bookmarks.html", "Save the own bookmarks for a browser to import",
              errors=(503,)),
    Operation("GET", "/v1/me/votes.json", "Save the own votes", list[Vote], errors=(503,)),
    Operation("GET", "/v1/bookmarks", "List the own bookmarks", list[ToolName], errors=(503,)),
    Operation("POST", "/vote", "Vote by a form", None, _ToolForm, (), (200, 303),
              (400, 415, 422, *_CHANGING),
              "`choice` is `ship`, `skip` or `none`. 303 back to the page; a page that asks to "
              "confirm where the browser does not say which site the form is of."),
    Operation("POST", "/bookmark", "Bookmark by a form", None, _BookmarkForm, (), (200, 303),
              (400, 415, 422, *_CHANGING), "`saved` is `1` or `0`."),
    Operation("GET", "/healthz", "Does this process live?", _Status),
    Operation("GET", "/readyz", "Can this process do its part?", _Status, errors=(503,)),
    Operation("GET", "/status", "Would a vote sent now reach a page?", StatusEvaluation,
              statuses=(200, 503)),
    Operation("GET", "/metrics", "Metrics for Prometheus"),
    Operation("GET", "/openapi.json", "This description"),
    Operation("GET", "/docs", "This description for people"),
)  # fmt: skip

_LISTS = {"/v1/tools", "/v1/categories", "/v1/reviewers", "/v1/digests", "/v1/bookmarks"}
_FORM = "application/x-www-form-urlencoded"


@cache
def document() -> dict[str, Any]:
    """The OpenAPI 3.1 description."""
    found = [kind for it in OPERATIONS for kind in (it.gives, it.takes) if kind is not None]
    kinds = [*found, ProblemDetails, *EVENT_TYPES.values()]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    known = dict(zip(map(repr, kinds), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        described = _described(operation, known)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    bearer = {"type": "http", "scheme": "bearer", "description": "A token such as vdt_…"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Verdicts", "version": "1"},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"bearer": bearer}},
    }


def _described(operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.does,
        "description": operation.note,
        "parameters": _parameters(operation),
        "responses": _responses(operation, known),
    }
    if operation.takes is not None:
        form = operation.path in ("/vote", "/bookmark")
        kind = _FORM if form else "application/json"
        schema = known[repr(operation.takes)]
        described["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    if operation.path == "/v1/events":
        described["security"] = [{"bearer": []}]
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    in_path = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": text}
        for part in operation.path.split("/")
        if part.startswith("{")
    ]
    several = {"type": "array", "items": text}
    in_query = [
        {"name": name, "in": "query", "schema": several if name == "tool" else text}
        for name in operation.query
    ]
    return in_path + in_query


def _responses(operation: Operation, known: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.gives is not None:
        schema = known[repr(operation.gives)]
        if operation.path in _LISTS:
            schema = {"type": "object", "properties": {"items": schema}}
        kind = "text/event-stream" if operation.path == "/v1/changes" else "application/json"
        content = {"content": {kind: {"schema": schema}}}
    problem = {"content": {"application/problem+json": {"schema": known[repr(ProblemDetails)]}}}
    good = {str(status): {"description": _MEANING[status], **content} for status in
            operation.statuses}  # fmt: skip
    bad = {str(status): {"description": _MEANING[status], **problem} for status in operation.errors}
    return good | bad


_MEANING = {
    200: "Done.", 202: "All accepted.", 207: "Some accepted.", 303: "Back to the page.",
    400: "Not readable.", 401: "No valid token.", 403: "Not allowed.", 404: "Unknown.",
    408: "The body took too long.", 410: "Retired.", 413: "Too large.",
    415: "Wrong content type.", 422: "Not valid.",
    429: "Too many; see `Retry-After`.", 503: "Not now; see `Retry-After`.",
}  # fmt: skip


async def description(request: Request) -> Response:
    """`GET /openapi.json`."""
    return answer(request, document())


async def docs(_: Request) -> Response:
    """`GET /docs`: the same for people, on one page without scripts."""
    parts = [
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a>. Errors are problem '
        "details (RFC 9457).</p>"
    ]
    parts += [_section(operation) for operation in OPERATIONS]
    parts.append("<h2>Event types</h2>")
    components = document()["components"]["schemas"]
    for name, data in EVENT_TYPES.items():
        if data.role != "system":
            schema = json.dumps(components[data.__name__], indent=2)
            head = f"<h3><code>{name}</code> · {data.role}</h3>"
            text = f"<p>{escape(data.__doc__ or '')}</p>"
            # A region that scrolls must be reachable by keyboard.
            parts.append(f'{head}{text}<pre tabindex="0">{escape(schema)}</pre>')
    return page("Verdicts API", "".join(parts))


def _section(operation: Operation) -> str:
    errors = ", ".join(map(str, (*operation.statuses, *operation.errors)))
    note = f"<p>{escape(operation.note)}</p>" if operation.note else ""
    query = f" ?{'=…&'.join(operation.query)}=…" if operation.query else ""
    return (
        f"<h2><code>{operation.method} {escape(operation.path + query)}</code></h2>"
        f"<p>{escape(operation.does)}. Answers {errors}.</p>{note}"
    )
