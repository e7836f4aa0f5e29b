"""`POST /v1/events`: events of editors and gateways onto the log."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, NotWritten, Outcome, Outgoing
from infra.kafka.producer import Producer
from infra.telemetry import event_log, tracing
from schemas.event_validation import InvalidEvent
from schemas.events import Event
from schemas.time.instants import rfc3339
from schemas.topics import BOOKMARKS, VOTES
from streams.api.auth.tokens import Token, TokenLookup
from streams.api.http.problems import Problem, unavailable
from streams.api.http.responses import JSON, discard, encode, read_body
from streams.api.ingest.cloudevents import EventParser, Item, id_of, read_items
from streams.api.ingest.metrics import received
from streams.api.live.progress import Progress

MOST_BYTES = 1024 * 1024
MOST_SECONDS = 30
TURN = 100
"""Events of one request that are read before other requests have a turn."""

_BATCH = "application/cloudevents-batch+json"
_TYPES = {_BATCH, "application/cloudevents+json", JSON}
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:$|[,;])", re.IGNORECASE)
_BARE = {VOTES.name, BOOKMARKS.name}


class Accepted(msgspec.Struct, frozen=True, tag_field="status", tag="accepted"):
    """An event that the broker has acknowledged, and where it stands."""

    id: str
    time: str
    topic: str
    partition: int
    offset: int


class Rejected(msgspec.Struct, frozen=True, tag_field="status", tag="rejected"):
    """An event that is not on the log: why, and for a field which."""

    id: str | None
    code: str
    detail: str
    pointer: str | None = None


class Unknown(msgspec.Struct, frozen=True, tag_field="status", tag="unknown"):
    """An event of which nobody knows whether it is on the log; sending it again does no harm."""

    id: str
    time: str
    detail: str = "The broker did not say whether it has this event; send it again as it is."


Result = Accepted | Rejected | Unknown
Validated = tuple[Event, Outgoing] | Rejected


class Results(msgspec.Struct, frozen=True):
    """One result per event, in the order of the request."""

    results: list[Result]


class IngestEndpoint:
    """Takes events by HTTP and answers once the broker has them."""

    def __init__(
        self,
        tokens: TokenLookup,
        reader: EventParser,
        codec: Codec,
        producer: Producer,
        progress: Progress,
    ) -> None:
        self._tokens = tokens
        self._reader = reader
        self._codec = codec
        self._producer = producer
        self._progress = progress

    async def post(self, request: Request) -> Response:
        """Answer `POST /v1/events`."""
        headers = dict(request.scope["headers"])
        try:
            token = await self._authenticated(request)
            batch_only = _content_type(request) == _BATCH
        except Problem:
            await discard(request.receive, headers)
            raise
        body = await read_body(request.receive, headers, MOST_BYTES)
        items = read_items(body, batch_only=batch_only)
        judged = await self._validate_all(items, token)
        return await self._answered(request, await self._sent(judged))

    async def _authenticated(self, request: Request) -> Token:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = await self._tokens.bearer(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Problem(
                401,
                "Send a valid token: Authorization: Bearer vdt_…",
                headers={"WWW-Authenticate": 'Bearer realm="verdicts"'},
            )
        return token

    async def _validate_all(self, items: list[Item], token: Token) -> list[Validated]:
        """Each event with its record, or why it is rejected; others have a turn in between."""
        judged = []
        for index, item in enumerate(items):
            if index % TURN == TURN - 1:
                await asyncio.sleep(0)
            judged.append(self._validate(item, token))
        return judged

    def _validate(self, item: Item, token: Token) -> Validated:
        try:
            event = self._reader.read(item, token)
        except InvalidEvent as error:
            received("", "rejected").inc()
            return Rejected(id_of(item), error.code, error.detail, error.pointer)
        topic = event.data.topic.name
        headers = tracing.carried(None if topic in _BARE else _headers(event))
        return event, Outgoing(topic, event.key.encode(), self._codec.encode(event), headers)

    async def _sent(self, judged: list[Validated]) -> list[Result]:
        """Send every good event; what became of each, once that is known of all.

        They go in one go, so that the broker gets few large batches. Sent as they are judged, with
        turns of others in between, each would cost the broker three times as much.
        """
        good = [it for it in judged if not isinstance(it, Rejected)]
        outcomes = await self._producer.send_all([record for _, record in good])
        results = list(map(_result, (event for event, _ in good), outcomes))
        _count((event.data.type for event, _ in good), results)
        if len(results) == len(judged):
            return results
        sent = iter(results)
        return [it if isinstance(it, Rejected) else next(sent) for it in judged]

    async def _answered(self, request: Request, results: list[Result]) -> Response:
        accepted = [result for result in results if isinstance(result, Accepted)]
        if len(accepted) < len(results):
            _raise_for_broker(results)
            _raise_for_role(results)
        if not accepted:
            return Response(encode(Results(results)), 422, media_type=JSON)
        waited = await self._waited(request, accepted)
        status = 207 if len(accepted) < len(results) else 200 if waited else 202
        headers = {"Preference-Applied": "wait"} if waited else None
        return Response(encode(Results(results)), status, headers, JSON)

    async def _waited(self, request: Request, accepted: list[Accepted]) -> bool:
        """Whether all projections have applied the events within the time the client gives."""
        seconds = preferred_wait(request.headers.getlist("prefer"))
        if not seconds:
            return False
        last = {(it.topic, it.partition): it.offset for it in sorted(accepted, key=_by_offset)}
        try:
            async with asyncio.timeout(seconds):
                for (topic, partition), offset in last.items():
                    await self._progress.applied.wait_for((topic, partition), offset + 1)
        except TimeoutError:
            return False
        return True


def _result(event: Event, outcome: Outcome) -> Result:
    if isinstance(outcome, Delivery):
        event_log.accepted(event.id, outcome)
        time = rfc3339(event.time)
        return Accepted(event.id, time, outcome.topic, outcome.partition, outcome.offset)
    if isinstance(outcome, NotWritten):
        code = "too-large" if outcome.too_large else "unavailable"
        return Rejected(event.id, code, f"The broker did not take it: {outcome}.")
    return Unknown(event.id, rfc3339(event.time))


def _count(types: Iterable[str], results: Iterable[Result]) -> None:
    kinds: Iterable[type[Result]] = map(type, results)
    for (name, kind), count in Counter(zip(types, kinds, strict=True)).items():
        received(name, str(kind.__struct_config__.tag)).inc(count)


def _by_offset(result: Accepted) -> int:
    return result.offset


def _headers(event: Event) -> list[tuple[str, str | bytes | None]]:
    return [
        ("ce_id", event.id.encode()),
        ("ce_time", rfc3339(event.time).encode()),
        ("ce_type", event.type.encode()),
    ]


def _content_type(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise Problem(415, f"Send one of {', '.join(sorted(_TYPES))}.")
    return kind


def preferred_wait(preferences: Sequence[str]) -> int:
    """The seconds that `Prefer: wait=…` asks for (RFC 7240), at most 30; 0 where it does not."""
    match = _WAIT.search(",".join(preferences))
    return min(int(match[1]), MOST_SECONDS) if match else 0


def _raise_for_broker(results: list[Result]) -> None:
    if any(isinstance(r, Unknown) or _code(r) == "unavailable" for r in results):
        raise unavailable(
            "The broker did not acknowledge every event; results says which to send again.",
            results=results,
        )


def _raise_for_role(results: list[Result]) -> None:
    if all(_code(result) == "forbidden" for result in results):
        raise Problem(403, "This token may not send events of this type.", results=results)


def _code(result: Result) -> str:
    return result.code if isinstance(result, Rejected) else ""
