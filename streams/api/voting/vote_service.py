"""Votes and bookmarks of browsers: from a cookie to an event, then to the tally that counts it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Scope

from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten
from infra.kafka.producer import Producer
from infra.telemetry import event_log, tracing
from infra.telemetry.metrics import VOTE_TO_TALLY
from schemas.events import Event
from schemas.time.ahead import record_timestamp
from streams.api.accounts.voters import Voters
from streams.api.auth.new_voter_limit import NewVoterRateLimit
from streams.api.auth.voter_cookie import Voter
from streams.api.http.problems import Problem, unavailable
from streams.api.http.shared_timeout import SharedTimeout
from streams.api.ingest.event_clock import MonotonicClock, new_id
from streams.api.ingest.metrics import received
from streams.api.live.progress import Progress
from streams.api.live.tally_cache import CachedTool, TallyCache
from streams.api.voting.own_states import OWN_STATE_TIMEOUT, OwnStates, result_if_done_soon
from streams.api.voting.vote_response import NOT_VOTED, OwnState, VoterChange, VoteResponse
from streams.api.voting.voter_activity import VoterActivity

TALLY_SECONDS = 1.0
TALLY_TIMEOUT = SharedTimeout(TALLY_SECONDS)
MAX_SLUG = 80


class BrowserRequest(msgspec.Struct, frozen=True):
    """A request of a browser."""

    scope: Scope
    headers: Mapping[bytes, bytes]


class AnsweredChange(msgspec.Struct, frozen=True):
    """The tool as the voter sees it after a change, and the `Set-Cookie` header."""

    response: VoteResponse
    cookie: str


class VoteService:
    """Writes changes of browsers to the log and waits until they are counted."""

    def __init__(
        self,
        voters: Voters,
        clock: MonotonicClock,
        new_voter_limit: NewVoterRateLimit,
        activity: VoterActivity,
        codec: Codec,
        producer: Producer,
        tallies: TallyCache,
        progress: Progress,
        own_states: OwnStates,
    ) -> None:
        self._voters = voters
        self._clock = clock
        self._new_voter_limit = new_voter_limit
        self._activity = activity
        self._codec = codec
        self._producer = producer
        self._tallies = tallies
        self._progress = progress
        self._own_states = own_states

    async def require_tool(self, slug: str, *, allow_retired: bool = False) -> CachedTool:
        """The tool with this slug.

        Raises:
            Problem: 404 for an unknown tool, 410 for a retired one, 308 for another name of a tool;
                the location is the path of its votes.
        """
        tool = self._tallies.cached(slug)
        if tool is None and len(slug) <= MAX_SLUG and "\0" not in slug:
            tool = await self._tallies.get(slug)
        if tool is None:
            raise await self._missing(slug)
        if tool.retired and not allow_retired:
            raise Problem(410, f"The tool {slug!r} is retired.")
        return tool

    async def _missing(self, slug: str) -> Problem:
        is_slug = len(slug) <= MAX_SLUG and "\0" not in slug
        if is_slug and (into := await self._tallies.merged_into(slug)):
            detail = f"{slug!r} is another name of {into!r}."
            return Problem(308, detail, headers={"Location": f"/v1/tools/{into}/vote"}, into=into)
        return Problem(404, f"There is no tool {slug!r}.")

    async def read_voter(self, request: BrowserRequest) -> Voter | None:
        """The voter of the request's cookies."""
        return await self._voters.identify(request.headers)

    async def change(
        self,
        request: BrowserRequest,
        change_type: type[VoterChange],
        tool: CachedTool,
        **fields: Any,
    ) -> AnsweredChange:
        """Write a change to the log, unless it changes nothing, and wait for the new tally.

        Waits up to a second, or not at all while no worker applies changes. No page is waited for:
        one whose file is behind is rendered when it is asked for.

        Raises:
            Problem: 429 when the voter changes too much, or the network has created enough
                voters; 503 when the broker does not acknowledge the change.
        """
        known_voter = await self.read_voter(request)
        voter = known_voter or await self._create_voter(request)
        self._activity.admit(voter.id)
        change = change_type(tool=tool.tool, voter=self._voters.pseudonym(voter), **fields)
        if known_voter and not self._is_under_way(voter):
            response = await self._answer_if_unchanged(voter, change, tool)
            if response is not None:
                return AnsweredChange(response, self._voters.set_cookie(voter))
        delivery, cookie = await self._write(voter, change)
        response = await self._answer(change, delivery, tool, new_voter=known_voter is None)
        return AnsweredChange(response, cookie)

    async def _create_voter(self, request: BrowserRequest) -> Voter:
        await self._new_voter_limit.admit(request.scope, request.headers)
        return self._voters.create_voter()

    def _is_under_way(self, voter: Voter) -> bool:
        """Whether a change of the voter is not applied yet, so that no state read now would do."""
        newest = self._activity.newest_delivery(voter.id)
        return newest is not None and not self._progress.is_applied(newest)

    async def _answer_if_unchanged(
        self, voter: Voter, change: VoterChange, tool: CachedTool
    ) -> VoteResponse | None:
        """The response to a change that asks for what is applied already; else None."""
        last = max(voter.last, self._activity.last_change(voter.id))
        own = await self._own_states.read_if_unchanged(change, last)
        if own is None:
            return None
        with suppress(TimeoutError, SQLAlchemyError), OWN_STATE_TIMEOUT:
            await self._tallies.refresh(tool.tool)
        return VoteResponse.of(self._newest(tool), own)

    async def _write(self, voter: Voter, change: VoterChange) -> tuple[Delivery, str]:
        """Write an event; returns its place on the log and the renewed cookie."""
        time = self._clock.time_after(max(voter.last, self._activity.last_change(voter.id)))
        self._activity.record_change(voter.id, time)
        cookie = self._voters.set_cookie(msgspec.structs.replace(voter, last=time))
        delivery = await self._deliver(Event(new_id(time), time, change), cookie)
        self._activity.record_delivery(voter.id, delivery)
        return delivery, cookie

    async def _deliver(self, event: Event, cookie: str) -> Delivery:
        topic, value = event.data.topic.name, self._codec.encode(event)
        outcome = "accepted"
        try:
            delivery = self._producer.send(
                topic,
                event.key.encode(),
                value,
                tracing.carried(),
                timestamp=record_timestamp(event.time, self._clock.now()),
            )
            return event_log.accepted(event.id, await delivery)
        except NotWritten as error:
            outcome = "rejected"
            raise _not_acknowledged(f"This was not saved: {error}.", cookie) from None
        except DeliveryUnknown:
            outcome = "unknown"
            detail = "It is not known whether this was saved; please try again."
            raise _not_acknowledged(detail, cookie) from None
        finally:
            received(event.type, outcome).inc()

    async def _answer(
        self, change: VoterChange, delivery: Delivery, tool: CachedTool, *, new_voter: bool
    ) -> VoteResponse:
        """The tool and the voter's state as they are stored; as they were sent, if not in time."""
        if self._progress.is_stalled(delivery.topic_partition):
            return self._answer_pending(change, tool)
        with VOTE_TO_TALLY.time():
            return await self._answer_applied(change, delivery, tool, new_voter=new_voter)

    async def _answer_applied(
        self, change: VoterChange, delivery: Delivery, tool: CachedTool, *, new_voter: bool
    ) -> VoteResponse:
        sent = (NOT_VOTED if new_voter else OwnState()).after(change)
        own_state, pending = None, True
        partition, applied = delivery.topic_partition, self._progress.applied
        before, visible = applied.get(partition), False
        try:
            with TALLY_TIMEOUT:
                await applied.wait_for(partition, delivery.offset + 1)
                visible = True
                own_state = None if new_voter else self._own_states.request(change)
                await self._tallies.refresh(tool.tool)
                pending = False
        except (TimeoutError, SQLAlchemyError):
            if not visible:
                self._progress.waited_in_vain(partition, before)
                return self._answer_pending(change, tool)
            # The change is on the log, so a late or failed read is no error.
        newest = self._newest(tool)
        own = await result_if_done_soon(own_state, sent) if own_state else sent
        return VoteResponse.of(newest, own, pending=pending)

    def _answer_pending(self, change: VoterChange, tool: CachedTool) -> VoteResponse:
        return VoteResponse.of(self._newest(tool), OwnState().after(change), pending=True)

    def _newest(self, tool: CachedTool) -> CachedTool:
        """The tool with its newest known tally; as it was, if it is no longer listed."""
        return self._tallies.cached(tool.tool) or tool


def _not_acknowledged(detail: str, cookie: str) -> Problem:
    """503 with the cookie: a retry must come from the same voter to count once."""
    problem = unavailable(detail)
    problem.headers["Set-Cookie"] = cookie
    return problem
