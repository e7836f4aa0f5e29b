"""Every operation of the API."""

from typing import Any, Literal

import msgspec

from schemas.avro.catalogue import NEWEST
from schemas.digests import WeeklyDigest
from schemas.fields import SLUG_PATTERN, WEEK_PATTERN, Slug
from schemas.records import Category, Reviewer, Tool
from schemas.topics import CHANGES
from streams.api.accounts.operations import ACCOUNT_OPERATIONS
from streams.api.ingest.results import Results
from streams.api.live.changes_endpoint import MAX_TOOLS
from streams.api.live.sse import TallyChanged
from streams.api.openapi.event_schema import AnyEvent
from streams.api.openapi.operation import FORM, HTML, Operation, Parameter
from streams.api.reading.bodies import (
    BookmarkedTool,
    CategoryBody,
    ComparisonBody,
    DigestName,
    Me,
    ReviewerBody,
)
from streams.api.reading.endpoints import MAX_SLUG
from streams.api.reading.export import Bookmark, Vote
from streams.api.reading.pagination import (
    CURSOR_PATTERN,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    WEEK_CURSOR_PATTERN,
)
from streams.api.registry.subjects import MAX_VERSION as MAX_ID
from streams.api.registry.subjects import MEDIA_TYPE as REGISTRY_TYPE
from streams.api.registry.subjects import SchemaText, SubjectVersion
from streams.api.status.pipeline_status import StatusEvaluation
from streams.api.subscriptions.operations import SUBSCRIPTION_OPERATIONS
from streams.api.voting.endpoints import VoteBody
from streams.api.voting.vote_response import VoteResponse

CACHED = (200, 304)
EXAMPLE_ID = NEWEST[CHANGES.name].id
PAIR_PATTERN = (
    r"^(?!vs-)[a-z0-9]+(?:-(?!vs(?:-|\Z))[a-z0-9]+)*-vs-"
    r"(?!vs(?:-|\Z))[a-z0-9]+(?:-(?!vs(?:-|\Z))[a-z0-9]+)*\Z"
)
NO_SLASH = r"^[^/]*\Z"


class ServiceStatus(msgspec.Struct, frozen=True):
    """The response of a health check."""

    status: str


class VoteForm(msgspec.Struct, frozen=True):
    """The fields of the vote form; `none` removes the vote."""

    tool: Slug
    choice: Literal["ship", "skip", "none"]


class BookmarkForm(msgspec.Struct, frozen=True):
    """The fields of the bookmark form; `0` removes the bookmark."""

    tool: Slug
    saved: Literal["1", "0"]


def _slug(name: str, example: str) -> Parameter:
    schema = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": MAX_SLUG}
    return Parameter(name, schema, example)


_TOOL = _slug("tool", "smolvlm-2-5")
_CATEGORY = _slug("category", "developer-tools")
_REVIEWER = _slug("reviewer", "builder")
_WEEK = Parameter("week", {"type": "string", "pattern": WEEK_PATTERN}, "2026-W47", "An ISO week.")
_PAIR = Parameter(
    "pair",
    {"type": "string", "pattern": PAIR_PATTERN},
    "claude-4-api-vs-smolvlm-2-5",
    "`{a}-vs-{b}`.",
)
_LIMIT = Parameter(
    "limit",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
    DEFAULT_LIMIT,
    f"Items in a page; more than {MAX_LIMIT} are as {MAX_LIMIT}.",
)
_TOOLS = Parameter(
    "tool",
    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_TOOLS},
    ["smolvlm-2-5"],
    "Slugs of tools; unknown ones are ignored.",
    required=True,
)
_DRY_RUN = Parameter(
    "dry_run",
    {"enum": ["0", "1"]},
    "1",
    "1 answers as it would and writes nothing: `partition` and `offset` are null.",
)
_SCHEMA_ID = Parameter(
    "id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, EXAMPLE_ID, "A schema id."
)
_SUBJECT = Parameter(
    "subject", {"type": "string", "minLength": 1, "pattern": NO_SLASH}, CHANGES.subject
)
_VERSION = Parameter(
    "version",
    {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_ID}, {"enum": ["latest", "-1"]}]},
    "latest",
    "A version's number; `latest` or `-1` is the newest.",
)

_CHANGE_ERRORS = (308, 403, 404, 408, 410, 413, 429, 503)
_FORM_ERRORS = (415, 422, *(status for status in _CHANGE_ERRORS if status != 308))
_INGEST = (
    "1 to 500 events, at most 1 MiB, with a bearer token. The response comes once the broker has "
    "acknowledged them: 202 all accepted, 207 some, 422 none.\n\n"
    "`Prefer: wait=5` waits up to so many seconds (at most 30) until every projection has applied "
    "them, and then answers 200. Pages that are fetched from here after that answer show the "
    "events. Their stored files follow: a tool's own page within 50 to 100 ms, the page of its "
    "category within 650 ms.\n\n"
    "Send both `id` and `time`, or neither: the server then sets both. A `time` more than 5 "
    "minutes ahead is rejected. `subject`, `dataschema` and extensions are ignored. Binary mode "
    "takes one event, with its attributes in headers `ce-*`.\n\n"
    "An accepted event that refers to an unknown tool, category or reviewer carries `warnings`; it "
    "counts and shows once that exists.\n\n"
    "Codes of rejected events: "
    "`duplicate-key`, `forbidden`, `future-time`, `invalid-text`, `invalid-time`, "
    "`invalid-value`, `malformed`, `missing-field`, `too-large`, `unavailable`, `unknown-field`, "
    "`unknown-type`."
)
_BROWSER = (
    "For this site's own pages: requires their `Origin` or `Sec-Fetch-Site: same-origin`. "
    "Waits up to a second for the tally; pages that are fetched after the answer show the change. "
    "While no worker applies events, the answer comes with the broker's acknowledgement and has "
    "`pending`. A retired tool answers 410, but for a removal; a tool that became another name of "
    "a second one, 308 to that one."
)
_MOVES = "A tool that became another name of a second one answers 308 to that one."
_STREAM = (
    "Server-Sent Events named `tally`, with the version as their id. The current tallies come "
    "first, except those that `Last-Event-ID` shows the client already has."
)
_FORM_NOTE = (
    "Redirects back to the page with 303, or asks for confirmation when the browser does not say "
    "which site sent the form."
)


def _change(method: str, path: str, name: str, summary: str, body: Any = None) -> Operation:
    errors = (422, *_CHANGE_ERRORS) if body else _CHANGE_ERRORS
    return Operation(method, path, name, "Voting", summary, VoteResponse, body=body,
                     parameters=(_TOOL,), errors=errors, note=_BROWSER)  # fmt: skip


def _form(path: str, name: str, summary: str, body: Any) -> Operation:
    return Operation("POST", path, name, "Voting", summary, body=body, body_type=FORM,
                     media_type=HTML, error_type=HTML, statuses=(200, 303), errors=_FORM_ERRORS,
                     note=_FORM_NOTE)  # fmt: skip


def _list(path: str, name: str, item: Any, cursor: str, last: str) -> Operation:
    after = Parameter(
        "cursor",
        {"type": "string", "pattern": cursor},
        last,
        "Where the previous page ended; its `Link` header has the address of the next one.",
    )
    summary = f"List {path.rpartition('/')[2]}"
    return Operation("GET", path, name, "Reading", summary, list[item], items=True,
                     parameters=(_LIMIT, after), statuses=CACHED, errors=(503,))  # fmt: skip


def _get(
    path: str, name: str, summary: str, response: Any, parameter: Parameter, moves: str = ""
) -> Operation:
    errors = (308, 404, 503) if moves else (404, 503)
    return Operation("GET", path, name, "Reading", summary, response, parameters=(parameter,),
                     statuses=CACHED, errors=errors, note=moves)  # fmt: skip


def _own(path: str, name: str, summary: str, response: Any, **more: Any) -> Operation:
    return Operation("GET", path, name, "Visitor", summary, response, statuses=CACHED,
                     errors=(503,), **more)  # fmt: skip


def _schemas(
    path: str, name: str, summary: str, response: Any, *parameters: Parameter, errors: Any = (404,)
) -> Operation:
    return Operation("GET", path, name, "Schemas", summary, response, parameters=parameters,
                     media_type=REGISTRY_TYPE, error_type=REGISTRY_TYPE, statuses=CACHED,
                     errors=errors)  # fmt: skip


def _status(path: str, name: str, summary: str, response: Any = None, **more: Any) -> Operation:
    return Operation("GET", path, name, "Status", summary, response, **more)


OPERATIONS = (
    Operation("POST", "/v1/events", "sendEvents", "Events", "Send events", Results, body=AnyEvent,
              parameters=(_DRY_RUN,), statuses=(200, 202, 207, 422),
              errors=(401, 403, 408, 413, 415, 503), note=_INGEST),
    _list("/v1/tools", "listTools", Tool, CURSOR_PATTERN, "smolvlm-2-5"),
    _get("/v1/tools/{tool}", "getTool", "Get a tool", Tool, _TOOL, _MOVES),
    _get("/v1/compare/{pair}", "compareTools", "Compare two tools", ComparisonBody, _PAIR,
         _MOVES),
    _list("/v1/categories", "listCategories", Category, CURSOR_PATTERN, "developer-tools"),
    _get("/v1/categories/{category}", "getCategory", "Get a category", CategoryBody, _CATEGORY,
         "A removed category whose tools went to another one answers 308 to that one."),
    _list("/v1/reviewers", "listReviewers", Reviewer, CURSOR_PATTERN, "builder"),
    _get("/v1/reviewers/{reviewer}", "getReviewer", "Get a reviewer", ReviewerBody, _REVIEWER),
    _list("/v1/digests", "listDigests", DigestName, WEEK_CURSOR_PATTERN, "2026-W47"),
    _get("/v1/digests/{week}", "getDigest", "Get a digest", WeeklyDigest, _WEEK),
    Operation("GET", "/v1/changes", "streamChanges", "Live changes", "Stream tally changes",
              TallyChanged, media_type="text/event-stream", parameters=(_TOOLS,),
              errors=(429, 503), note=_STREAM),
    _change("PUT", "/v1/tools/{tool}/vote", "castVote", "Cast or change a vote", VoteBody),
    _change("DELETE", "/v1/tools/{tool}/vote", "removeVote", "Remove a vote"),
    _change("PUT", "/v1/bookmarks/{tool}", "addBookmark", "Add a bookmark"),
    _change("DELETE", "/v1/bookmarks/{tool}", "removeBookmark", "Remove a bookmark"),
    _form("/vote", "voteByForm", "Vote with a form", VoteForm),
    _form("/bookmark", "bookmarkByForm", "Bookmark with a form", BookmarkForm),
    _own("/v1/me", "getOwnChoices", "Get your votes and bookmarks", Me),
    _own("/v1/bookmarks", "listBookmarks", "List your bookmarks", list[BookmarkedTool],
         items=True),
    _own("/v1/me/bookmarks.json", "exportBookmarks", "Export your bookmarks as JSON",
         list[Bookmark]),
    _own("/v1/me/bookmarks.csv", "exportBookmarksAsCsv", "Export your bookmarks as CSV", None,
         media_type="text/csv"),
    _own("/v1/me/bookmarks.html", "exportBookmarksForBrowsers",
         "Export your bookmarks for a browser to import", None, media_type=HTML),
    _own("/v1/me/votes.json", "exportVotes", "Export your votes as JSON", list[Vote]),
    *ACCOUNT_OPERATIONS,
    *SUBSCRIPTION_OPERATIONS,
    _schemas("/schemas/ids/{id}", "getSchema", "Get the schema of an id", SchemaText, _SCHEMA_ID),
    _schemas("/subjects", "listSubjects", "List subjects", list[str], errors=()),
    _schemas("/subjects/{subject}/versions", "listVersions", "List a subject's versions",
             list[int], _SUBJECT),
    _schemas("/subjects/{subject}/versions/{version}", "getVersion", "Get a subject's version",
             SubjectVersion, _SUBJECT, _VERSION, errors=(404, 422)),
    _status("/healthz", "getLiveness", "Liveness check", ServiceStatus),
    _status("/readyz", "getReadiness", "Readiness check", ServiceStatus, errors=(503,)),
    _status("/status", "getStatus", "Pipeline status", StatusEvaluation, statuses=(200, 503),
            note="200 when a vote sent now would reach a page."),
    _status("/metrics", "getMetrics", "Prometheus metrics", media_type="text/plain"),
    _status("/openapi.json", "getOpenApi", "OpenAPI description", dict[str, Any],
            statuses=CACHED),
    _status("/docs", "getDocs", "Documentation page", media_type=HTML),
)  # fmt: skip
