"""Examples of requests and responses, made from the examples of our Avro schemas."""

from functools import cache
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from projections.pipeline_state import Heartbeat
from projections.private.accounts.sessions import SessionLine
from schemas.avro.catalogue import NEWEST, VERSIONS
from schemas.avro.record_fields import to_record
from schemas.digests import Digest, WeeklyDigest
from schemas.records import Authored, Category, Reviewer, Tool
from schemas.topics import CATALOG, CHANGES
from streams.api.accounts.account_export import AccountExport
from streams.api.accounts.operations import (
    EXAMPLE_LINK_TOKEN,
    EraseForm,
    RevokeForm,
    SignInForm,
    UseLinkForm,
)
from streams.api.accounts.sign_in import SignInLinkRequest, SignInSent
from streams.api.http.problems import Problem
from streams.api.ingest.results import Accepted, Rejected, Results
from streams.api.live.sse import TallyChanged
from streams.api.openapi.event_schema import CLIENT_EVENTS
from streams.api.openapi.operations import BookmarkForm, ServiceStatus, VoteForm
from streams.api.reading.bodies import (
    BookmarkedTool,
    CategoryBody,
    ComparisonBody,
    DigestName,
    Me,
    ReviewerBody,
    ToolName,
)
from streams.api.reading.export import Bookmark, Vote
from streams.api.registry.subjects import RegistryErrorBody, SchemaText, SubjectVersion
from streams.api.status.pipeline_status import StatusEvaluation
from streams.api.subscriptions.operations import (
    EXAMPLE_TOKEN,
    OneClickForm,
    PreferencesForm,
    SubscribeForm,
    TokenForm,
)
from streams.api.subscriptions.signup_endpoints import ConfirmationRequested, SubscriptionRequest
from streams.api.voting.endpoints import VoteBody
from streams.api.voting.vote_response import VoteResponse

_ID, _TIME = "01980000-0000-7000-8000-000000000021", "2025-11-20T10:00:00Z"
_URL = "https://verdicts.example/tools/smolvlm-2-5/"


def event(event_type: str) -> dict[str, Any]:
    """A CloudEvent of a type, as a client sends it."""
    return {"type": event_type, "data": event_data(event_type)}


def whole_event(event_type: str) -> dict[str, Any]:
    """The same with the attributes that a client may set."""
    attributes = {"specversion": "1.0", "id": _ID, "time": _TIME, "source": "/editors/desk"}
    return attributes | event(event_type)


def event_data(event_type: str) -> dict[str, Any]:
    """The data of an event."""
    data = CLIENT_EVENTS[event_type]
    fields = _avro_example(data.topic.name, data.__name__)
    return {name: fields[name] for name in data.__struct_fields__}


@cache
def by_type() -> dict[str, Any]:
    """An example of every body by the `repr` of its type, as JSON values."""
    tool, category = _record(Tool), _record(Category)
    reviewer, record = _record(Reviewer), _record(Digest)
    other = replace(tool, tool="claude-4-api", name="Claude 4 API")
    digest = WeeklyDigest(
        **{name: value for name, value in asdict(record).items() if name != "version"}
    )
    review = tool.panel.reviews[0]
    community, moment = tool.community, tool.listed
    subject = CHANGES.subject
    examples: dict[Any, Any] = {
        Tool: tool,
        Category: category,
        Reviewer: reviewer,
        WeeklyDigest: digest,
        DigestName: DigestName.of(digest),
        ComparisonBody: ComparisonBody(f"{other.tool}-vs-{tool.tool}", (other, tool)),
        CategoryBody: CategoryBody(**asdict(category), tools=[ToolName.of(tool.tool, tool.name)]),
        ReviewerBody: ReviewerBody(
            **asdict(reviewer), reviews=[Authored(tool.tool, tool.name, review)]
        ),
        BookmarkedTool: BookmarkedTool.of(tool.tool, tool.name, tool.panel.verdict),
        Me: Me({tool.tool: "ship"}, [tool.tool]),
        Bookmark: Bookmark(tool.tool, tool.name, tool.tagline, _URL, moment),
        Vote: Vote(tool.tool, tool.name, _URL, "ship", moment),
        TallyChanged: TallyChanged(tool.tool, community, tool.bookmarks, tool.version),
        VoteBody: VoteBody("ship"),
        VoteResponse: VoteResponse(
            tool=tool.tool,
            choice="ship",
            community=community,
            bookmarks=tool.bookmarks,
            version=tool.version,
        ),
        VoteForm: VoteForm(tool.tool, "ship"),
        BookmarkForm: BookmarkForm(tool.tool, "1"),
        SubscriptionRequest: SubscriptionRequest(
            "name@example.com", "weekly", ["developer-tools"], "Europe/Berlin"
        ),
        ConfirmationRequested: ConfirmationRequested(),
        SubscribeForm: SubscribeForm("name@example.com"),
        TokenForm: TokenForm(EXAMPLE_TOKEN),
        PreferencesForm: PreferencesForm(EXAMPLE_TOKEN, "save", "monthly", "developer-tools"),
        OneClickForm: OneClickForm("One-Click"),
        SignInLinkRequest: SignInLinkRequest("name@example.com"),
        SignInSent: SignInSent(),
        SignInForm: SignInForm("name@example.com"),
        UseLinkForm: UseLinkForm(EXAMPLE_LINK_TOKEN),
        RevokeForm: RevokeForm("others"),
        EraseForm: EraseForm("keep"),
        AccountExport: AccountExport(
            email="name@example.com",
            voter="3q2-7wAAAAAAAAAAAAAAAA",
            created=moment,
            sessions=[SessionLine("0123456789abcdef", "Firefox on Linux", moment, moment, moment)],
            votes=[Vote(tool.tool, tool.name, _URL, "ship", moment)],
            bookmarks=[Bookmark(tool.tool, tool.name, tool.tagline, _URL, moment)],
            subscription=None,
        ),
        Results: Results([Accepted(_ID, _TIME, CATALOG.name, 0, 14), _rejected()]),
        SchemaText: SchemaText('["string"]'),
        SubjectVersion: SubjectVersion(subject, 2, NEWEST[CHANGES.name].id, '["string"]'),
        RegistryErrorBody: RegistryErrorBody(40401, "Subject 'elsewhere' not found."),
        ServiceStatus: ServiceStatus("ok"),
        StatusEvaluation: StatusEvaluation(
            "ok", [], [Heartbeat("worker", "worker-1", 0.4, {"relay": True})], 0.0, []
        ),
        list[str]: sorted({version.topic.subject for version in VERSIONS}),
        list[int]: [1, 2],
        list[Bookmark]: [Bookmark(tool.tool, tool.name, tool.tagline, _URL, moment)],
        list[Vote]: [Vote(tool.tool, tool.name, _URL, "ship", moment)],
    }
    listed = {
        list[Tool]: tool,
        list[Category]: category,
        list[Reviewer]: reviewer,
        list[DigestName]: examples[DigestName],
        list[BookmarkedTool]: examples[BookmarkedTool],
    }
    examples |= {type_: {"items": [example]} for type_, example in listed.items()}
    return {repr(type_): msgspec.to_builtins(example) for type_, example in examples.items()}


def problem() -> dict[str, Any]:
    """An error."""
    return dict(msgspec.json.decode(Problem(404, "There is no tool 'nothing'.").body()))


def _rejected() -> Rejected:
    return Rejected(None, "invalid-value", "Invalid enum value 'maybe'.", "/data/choice")


def _record(type_: Any) -> Any:
    return to_record(type_, dict(_avro_example(CHANGES.name, type_.__name__)))


def _avro_example(topic: str, name: str) -> dict[str, Any]:
    examples = {each["record"]: each["value"] for each in NEWEST[topic].examples()}
    value: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(examples[name]))
    return value
