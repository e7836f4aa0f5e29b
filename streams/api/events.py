"""`POST /v1/events`: events of editors and gateways onto the log."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from infra import tracing, trail
from infra.codec import Codec
from infra.producer import Delivery, NotWritten, Producer, Undecided
from schemas.events import Event
from schemas.instants import rfc3339
from schemas.reading import InvalidEvent
from schemas.topics import BOOKMARKS, VOTES
from streams.api.answers import JSON, discard, encode, read_body
from streams.api.counted import received
from streams.api.envelopes import Item, Reader, id_of, read_items
from streams.api.problems import Problem, unavailable
from streams.api.progress import Progress
from streams.tokens import Bearers, Token

MOST_BYTES = 1024 * 1024
MOST_SECONDS = 30
TURN = 50
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
Sent = tuple[Event, "asyncio.Future[Delivery]"]


class Results(msgspec.Struct, frozen=True):
    """One result per event, in the order of the request."""

    results: list[Result]


class Intake:
    """Takes events by HTTP and answers once the broker has them."""

    def __init__(
        self,
        tokens: Bearers,
        reader: Reader,
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
        sent = await self._send_all(items, token)
        return await self._answered(request, await _outcomes(sent))

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

    async def _send_all(self, items: list[Item], token: Token) -> list[Sent | Rejected]:
        """Hand every good event to the producer; others have their turn in between."""
        sent = []
        for index, item in enumerate(items):
            if index % TURN == TURN - 1:
                await asyncio.sleep(0)
            sent.append(self._send(item, token))
        return sent

    def _send(self, item: Item, token: Token) -> Sent | Rejected:
        try:
            event = self._reader.read(item, token)
        except InvalidEvent as error:
            received("", "rejected").inc()
            return Rejected(id_of(item), error.code, error.detail, error.pointer)
        topic = event.data.topic.name
        headers = tracing.carried(None if topic in _BARE else _headers(event))
        value = self._codec.encode(event)
        return event, self._producer.send(topic, event.key.encode(), value, headers)

    async def _answered(self, request: Request, results: list[Result]) -> Response:
        accepted = [result for result in results if isinstance(result, Accepted)]
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
                    await self._progress.applied.reached((topic, partition), offset + 1)
        except TimeoutError:
            return False
        return True


async def _outcomes(sent: list[Sent | Rejected]) -> list[Result]:
    """What became of each event, once that is known of all; counted together."""
    results: list[Result] = []
    counts: Counter[tuple[str, str]] = Counter()
    for it in sent:
        if isinstance(it, Rejected):
            results.append(it)
            continue
        event, delivery = it
        if not delivery.done():  # most are, once the first is: they share their way
            await asyncio.wait((delivery,))
        result = _delivered(event, delivery)
        counts[event.type, _status(result)] += 1
        results.append(result)
    for (kind, status), count in counts.items():
        received(kind, status).inc(count)
    return results


def _delivered(event: Event, delivery: "asyncio.Future[Delivery]") -> Result:
    try:
        placed = trail.accepted(event.id, delivery.result())
        return Accepted(event.id, rfc3339(event.time), *placed)
    except NotWritten as error:
        code = "too-large" if error.too_large else "unavailable"
        return Rejected(event.id, code, f"The broker did not take it: {error}.")
    except Undecided:
        return Unknown(event.id, rfc3339(event.time))


def _status(result: Result) -> str:
    return str(type(result).__struct_config__.tag)


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
