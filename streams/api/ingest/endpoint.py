"""`POST /v1/events`: events of editors and gateways onto the log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from infra.http.fields import fields_of
from infra.kafka.codec import Codec
from infra.kafka.delivery import Outgoing
from infra.kafka.producer import Producer
from infra.telemetry import tracing
from projections.private.tokens import Token
from schemas.event_validation import InvalidEvent
from schemas.events import Event
from schemas.time.ahead import explicit_timestamp
from schemas.time.instants import rfc3339
from schemas.topics import BOOKMARKS, TOKEN_HEADER, VOTES
from streams.api.auth.tokens import TokenLookup
from streams.api.http.problems import Problem
from streams.api.http.request_body import discard, read_body
from streams.api.http.responses import JSON, encode
from streams.api.ingest.audit import log_sent
from streams.api.ingest.cloudevents.binary_mode import is_binary, read_binary
from streams.api.ingest.cloudevents.request_options import (
    BATCH,
    STRUCTURED,
    preferred_wait,
    read_dry_run,
    require_content_type,
)
from streams.api.ingest.cloudevents.structured_mode import (
    Item,
    read_id,
    read_items,
)
from streams.api.ingest.event_clock import MonotonicClock
from streams.api.ingest.event_parser import EventParser
from streams.api.ingest.metrics import received
from streams.api.ingest.reference_warnings import ReferenceChecker
from streams.api.ingest.results import (
    Accepted,
    Rejected,
    Result,
    Results,
    count_results,
    dry_result_of,
    raise_for_failure,
    result_of,
    with_warnings,
)
from streams.api.ingest.voter_batches import VoterBatches
from streams.api.live.progress import Progress

MAX_BYTES = 1024 * 1024
YIELD_EVERY = 100
"""Events of one request that are validated before other requests run."""

_TOPICS_WITHOUT_HEADERS = {VOTES.name, BOOKMARKS.name}

Validated = tuple[Event, Outgoing] | Rejected
Valid = Sequence[tuple[Event, Outgoing]]
Send = Callable[[Valid], Awaitable[list[Result]]]


class IngestEndpoint:
    """Accepts events by HTTP and answers once the broker has acknowledged them."""

    def __init__(
        self,
        tokens: TokenLookup,
        parser: EventParser,
        voter_batches: VoterBatches,
        codec: Codec,
        producer: Producer,
        progress: Progress,
        clock: MonotonicClock,
        references: ReferenceChecker,
    ) -> None:
        self._references = references
        self._clock = clock
        self._tokens = tokens
        self._parser = parser
        self._voter_batches = voter_batches
        self._codec = codec
        self._producer = producer
        self._progress = progress

    async def post(self, request: Request) -> Response:
        """Answer `POST /v1/events`."""
        headers = fields_of(request.scope)
        try:
            token = await self._authenticate(request)
            content_type = require_content_type(headers)
            dry_run = read_dry_run(request.query_params.getlist("dry_run"))
        except Problem:
            await discard(request.receive, headers)
            raise
        body = await read_body(request.receive, headers, MAX_BYTES)
        items: Sequence[Item | Event]
        if is_binary(headers) and content_type not in STRUCTURED:
            items = [read_binary(headers, body)]
        else:
            items = self._voter_batches.read(body, token) or read_items(
                body, batch_only=content_type == BATCH
            )
        validated = await self._validate_all(items, token)
        if dry_run:
            results = await self._judge(validated, self._pretend_to_send)
        else:
            results = await self._judge(validated, self._send)
            log_sent(token, results)
        return await self._respond(request, results)

    async def _authenticate(self, request: Request) -> Token:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = await self._tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise Problem(
                401,
                "Send a valid token: Authorization: Bearer vdt_…",
                headers={"WWW-Authenticate": 'Bearer realm="verdicts"'},
            )
        return token

    async def _validate_all(self, items: Sequence[Item | Event], token: Token) -> list[Validated]:
        """Each event with its record, or its rejection; other requests run in between."""
        validated = []
        for index, item in enumerate(items):
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
            validated.append(self._validate(item, token))
        return validated

    def _validate(self, item: Item | Event, token: Token) -> Validated:
        if isinstance(item, Event):
            return item, self._record(item, token)
        try:
            event = self._parser.parse(item, token)
        except InvalidEvent as error:
            received("", "rejected").inc()
            return Rejected(read_id(item), error.code, error.detail, error.pointer)
        return event, self._record(event, token)

    def _record(self, event: Event, token: Token) -> Outgoing:
        topic = event.data.topic.name
        bare = topic in _TOPICS_WITHOUT_HEADERS
        headers = tracing.carried(None if bare else _headers(event, token))
        value = self._codec.encode(event)
        timestamp = explicit_timestamp(event.time, self._clock.now())
        return Outgoing(topic, event.key.encode(), value, headers, timestamp=timestamp)

    async def _judge(self, validated: list[Validated], send: Send) -> list[Result]:
        """The result of each event; warnings are looked up while the valid events are sent."""
        valid = [item for item in validated if not isinstance(item, Rejected)]
        warnings, sent = await asyncio.gather(
            self._references.warnings([event.data for event, _ in valid]), send(valid)
        )
        for index, of_event in warnings.items():
            sent[index] = with_warnings(sent[index], of_event)
        if len(sent) == len(validated):
            return sent
        remaining = iter(sent)
        return [item if isinstance(item, Rejected) else next(remaining) for item in validated]

    async def _send(self, valid: Valid) -> list[Result]:
        """Send valid events; returns once the outcome of each is known.

        They go in one call, so that the broker gets few large batches. Sent while others are
        validated, with other requests in between, each would cost the broker three times as much.
        """
        outcomes = await self._producer.send_all([record for _, record in valid])
        sent = list(map(result_of, (event for event, _ in valid), outcomes))
        count_results((event.data.type for event, _ in valid), sent)
        return sent

    async def _pretend_to_send(self, valid: Valid) -> list[Result]:
        """Answer as `_send` would, and write nothing."""
        return [dry_result_of(event) for event, _ in valid]

    async def _respond(self, request: Request, results: list[Result]) -> Response:
        accepted = [result for result in results if isinstance(result, Accepted)]
        all_accepted = len(accepted) == len(results)
        if not all_accepted:
            raise_for_failure(results)
        if not accepted:
            return Response(encode(Results(results)), 422, media_type=JSON)
        applied = await self._wait_applied(request, accepted)
        status = (200 if applied else 202) if all_accepted else 207
        headers = {"Preference-Applied": "wait"} if applied else None
        return Response(encode(Results(results)), status, headers, JSON)

    async def _wait_applied(self, request: Request, accepted: list[Accepted]) -> bool:
        """Whether all projections have applied the events within the client's preferred wait."""
        seconds = preferred_wait(request.headers.getlist("prefer"))
        if not seconds:
            return False
        ends: dict[tuple[str, int], int] = {}
        for result in accepted:
            if result.partition is None or result.offset is None:
                return False  # a dry run wrote nothing that could be applied
            partition = result.topic, result.partition
            ends[partition] = max(result.offset + 1, ends.get(partition, 0))
        try:
            async with asyncio.timeout(seconds):
                await self._progress.wait_until_applied(ends)
        except TimeoutError:
            return False
        return True


def _headers(event: Event, token: Token) -> list[tuple[str, str | bytes | None]]:
    return [
        ("ce_id", event.id.encode()),
        ("ce_time", rfc3339(event.time).encode()),
        ("ce_type", event.type.encode()),
        (TOKEN_HEADER, token.id.encode()),
    ]
