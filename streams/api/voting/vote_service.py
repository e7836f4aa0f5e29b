"""Votes and bookmarks of browsers: from a cookie to an event, then to a visible tally."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Scope

from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten
from infra.kafka.producer import Producer
from infra.telemetry import event_log, tracing
from infra.telemetry.metrics import VOTE_TO_PAGE
from projections.read.voters import list_bookmarks, read_choices
from schemas.events import Event, VoteCast, VoteRetracted
from streams.api.auth.new_voter_limit import NewVoterRateLimit
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.auth.voter_cookie import Voter, VoterCookies
from streams.api.http.problems import Problem, unavailable
from streams.api.ingest.event_clock import MonotonicClock, new_id
from streams.api.ingest.metrics import received
from streams.api.live.progress import Progress
from streams.api.live.tally_cache import CachedTool, TallyCache
from streams.api.read_model import ReadModel
from streams.api.voting.load_shedding import MAX_WAITERS, ArrivalRate
from streams.api.voting.vote_response import NOT_VOTED, OwnState, VoterChange, VoteResponse

VISIBLE_SECONDS = 1.0
OWN_STATE_SECONDS = 0.2
MAX_SLUG = 80


class BrowserRequest(msgspec.Struct, frozen=True):
    """A request of a browser."""

    scope: Scope
    headers: Mapping[bytes, bytes]


class AcceptedChange(msgspec.Struct, frozen=True):
    """A change that the broker has acknowledged.

    Attributes:
        voter: The pseudonym on the log.
        cookie: The `Set-Cookie` header of the response.
        change: The event's data.
        delivery: The event's topic, partition and offset.
        new_voter: Whether this is the voter's first change.
    """

    voter: str
    cookie: str
    change: VoterChange
    delivery: Delivery
    new_voter: bool


class VoteService:
    """Writes changes of browsers to the log and waits until they are visible."""

    def __init__(
        self,
        voter_cookies: VoterCookies,
        clock: MonotonicClock,
        new_voter_limit: NewVoterRateLimit,
        proxies: TrustedProxies,
        codec: Codec,
        producer: Producer,
        tallies: TallyCache,
        progress: Progress,
        read_model: ReadModel,
        arrivals: ArrivalRate,
    ) -> None:
        self._voter_cookies = voter_cookies
        self._clock = clock
        self._new_voter_limit = new_voter_limit
        self._proxies = proxies
        self._codec = codec
        self._producer = producer
        self._tallies = tallies
        self._progress = progress
        self._read_model = read_model
        self._arrivals = arrivals
        self._waiters = 0

    async def require_tool(self, slug: str, *, allow_retired: bool = False) -> CachedTool:
        """The tool with this slug.

        Raises:
            Problem: 404 for an unknown tool, 410 for a retired one.
        """
        tool = self._tallies.cached(slug)
        if tool is None and len(slug) <= MAX_SLUG and "\0" not in slug:
            tool = await self._tallies.get(slug)
        if tool is None:
            raise Problem(404, f"There is no tool {slug!r}.")
        if tool.retired and not allow_retired:
            raise Problem(410, f"The tool {slug!r} is retired.")
        return tool

    def read_voter(self, request: BrowserRequest) -> Voter | None:
        """The voter of the request's cookie."""
        return self._voter_cookies.read(request.headers)

    async def submit(
        self, request: BrowserRequest, change_type: type[VoterChange], slug: str, **fields: Any
    ) -> AcceptedChange:
        """Write a change to the log; returns once the broker has acknowledged it.

        Raises:
            Problem: 429 when the network has created enough voters; 503 without acknowledgement.
        """
        known_voter = self.read_voter(request)
        if known_voter is None:
            address = self._proxies.client_address(request.scope, request.headers)
            self._new_voter_limit.admit(address)
        voter = known_voter or self._voter_cookies.create_voter()
        pseudonym = self._voter_cookies.pseudonym(voter)
        time = self._clock.time_after(voter.last)
        change = change_type(tool=slug, voter=pseudonym, **fields)
        cookie = self._voter_cookies.set_cookie(Voter(voter.id, time))
        delivery = await self._deliver(Event(new_id(time), time, change), cookie)
        return AcceptedChange(pseudonym, cookie, change, delivery, new_voter=known_voter is None)

    async def _deliver(self, event: Event, cookie: str) -> Delivery:
        topic, value = event.data.topic.name, self._codec.encode(event)
        outcome = "accepted"
        try:
            delivery = self._producer.send(topic, event.key.encode(), value, tracing.carried())
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

    async def await_visible(self, accepted: AcceptedChange, tool: CachedTool) -> VoteResponse:
        """The tool as the voter sees it.

        Waits up to a second for tally and page, or not at all while too many voters wait.
        """
        change = accepted.change
        if self._arrivals.arrive() or self._waiters >= MAX_WAITERS:
            tool, own = self._tallies.cached(change.tool) or tool, OwnState()
        else:
            with VOTE_TO_PAGE.time():
                tool, own = await self._wait_applied_and_published(accepted, tool)
        return VoteResponse.of(tool, own.after(change))

    async def _wait_applied_and_published(
        self, accepted: AcceptedChange, tool: CachedTool
    ) -> tuple[CachedTool, OwnState]:
        slug, delivery = accepted.change.tool, accepted.delivery
        own_state = None
        if not accepted.new_voter:
            own_state = asyncio.create_task(self._read_own_state(accepted))
        self._waiters += 1
        try:
            async with asyncio.timeout(VISIBLE_SECONDS):
                partition = delivery.topic, delivery.partition
                await self._progress.wait_until_applied({partition: delivery.offset + 1})
                tool = await self._tallies.refresh(slug) or tool
                await self._progress.published.wait_for(slug, tool.version)
        except (TimeoutError, SQLAlchemyError):
            # The change is on the log, so a late or failed read is no error.
            tool = self._tallies.cached(slug) or tool
        finally:
            self._waiters -= 1
        return tool, await _result_if_done_soon(own_state) if own_state else NOT_VOTED

    async def _read_own_state(self, accepted: AcceptedChange) -> OwnState:
        """The voter's bookmark after a vote, the voter's choice after a bookmark."""
        change = accepted.change
        if isinstance(change, VoteCast | VoteRetracted):
            bookmarks = await self._read_model.run(list_bookmarks, accepted.voter)
            return OwnState(saved=change.tool in bookmarks)
        choices = await self._read_model.run(read_choices, accepted.voter)
        return OwnState(choice=choices.get(change.tool))


async def _result_if_done_soon(own_state: "asyncio.Task[OwnState]") -> OwnState:
    """The own state, or an unknown one when the read failed or takes long."""
    await asyncio.wait({own_state}, timeout=OWN_STATE_SECONDS)
    if own_state.cancel() or own_state.exception() is not None:
        return OwnState()
    return own_state.result()


def _not_acknowledged(detail: str, cookie: str) -> Problem:
    """503 with the cookie: a retry must come from the same voter to count once."""
    problem = unavailable(detail)
    problem.headers["Set-Cookie"] = cookie
    return problem
