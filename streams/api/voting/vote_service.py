"""Votes and bookmarks of people in a browser: who they are, their events, what they then see."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Scope

from infra.kafka.codec import Codec
from infra.kafka.delivery import Delivery, DeliveryUnknown, NotWritten
from infra.kafka.producer import Producer
from infra.telemetry import event_log, tracing
from infra.telemetry.metrics import VOTE_TO_PAGE
from schemas.events import BookmarkAdded, BookmarkRemoved, Event, VoteCast, VoteRetracted
from schemas.records import Choice, Community
from streams.api.auth.request_origin import NewVoterRateLimit, TrustedProxies
from streams.api.auth.voter_cookie import Voter, VoterCookies
from streams.api.http.problems import Problem, unavailable
from streams.api.ingest.event_clock import MonotonicClock, new_id
from streams.api.ingest.metrics import received
from streams.api.live.progress import Progress
from streams.api.live.tally_cache import CachedTool, TallyCache
from streams.api.read_model import ReadModel

WAIT_SECONDS = 1.0
OWN_SECONDS = 0.2
MAX_WAITING_RATE = 300
"""Changes a second beyond which an answer waits for the broker alone.

With so many, waiting for tally and page would only make everybody wait longer. The newest tally
in memory is the answer then, and the page learns the rest from `/v1/changes`.
"""
MAX_WAITERS = 100
"""Voters who wait for their page at once; whoever comes then waits for the broker alone.

Without this bound a crowd that waits never comes as a rush, however long the wait has become.
"""

OwnChoice = Choice | UnsetType | None
Saved = bool | UnsetType
VoterChange = VoteCast | VoteRetracted | BookmarkAdded | BookmarkRemoved


class VoteResponse(msgspec.Struct, frozen=True):
    """The answer to a vote or a bookmark.

    Attributes:
        tool: The tool's slug.
        choice: The own choice; left out of a bookmark's answer when it is not known at once.
        community: The tally.
        bookmarks: How many keep the tool.
        saved: Whether the voter keeps it; left out of a vote's answer when not known at once.
        version: Grows with each change of the tool: the greater one is the newer.
    """

    tool: str
    choice: OwnChoice
    community: Community
    bookmarks: int
    version: int
    saved: Saved = UNSET


class BrowserRequest(msgspec.Struct, frozen=True):
    """A request of a browser."""

    scope: Scope
    headers: Mapping[bytes, bytes]


class AcceptedChange(msgspec.Struct, frozen=True):
    """An acknowledged change: the voter's name on the log, the cookie to set, and where it is.

    A voter who is `new` has done nothing before it.
    """

    voter: str
    cookie: str
    change: VoterChange
    delivery: Delivery
    new: bool


class ArrivalRate:
    """Notes arrivals and tells whether they come faster than `RUSH` a second.

    Args:
        clock: Seconds that only go forward.
    """

    WINDOW = 0.25

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._window = 0
        self._now = self._before = 0

    def arrive(self) -> bool:
        """Note one arrival; whether there is a rush, by this window and the one before."""
        window = int(self._clock() / self.WINDOW)
        if window != self._window:
            self._before = self._now if window == self._window + 1 else 0
            self._window, self._now = window, 0
        self._now += 1
        return self._now + self._before > MAX_WAITING_RATE * 2 * self.WINDOW


class VoteService:
    """Takes changes of browsers onto the log, and waits for them to show."""

    def __init__(
        self,
        voters: VoterCookies,
        stamps: MonotonicClock,
        newcomers: NewVoterRateLimit,
        proxies: TrustedProxies,
        codec: Codec,
        producer: Producer,
        standings: TallyCache,
        progress: Progress,
        library: ReadModel,
        rush: ArrivalRate,
    ) -> None:
        self.voters = voters
        self._stamps = stamps
        self._newcomers = newcomers
        self._proxies = proxies
        self._codec = codec
        self._producer = producer
        self._standings = standings
        self._progress = progress
        self._library = library
        self._rush = rush
        self._waiting = 0

    async def require_tool(self, tool: str, *, retired_too: bool = False) -> CachedTool:
        """The tool that a voter means.

        Raises:
            Problem: 404 for an unknown tool, 410 for a retired one.
        """
        standing = self._standings.known(tool)
        if standing is None and len(tool) <= 80 and "\0" not in tool:
            standing = await self._standings.find(tool)
        if standing is None:
            raise Problem(404, f"There is no tool {tool!r}.")
        if standing.retired and not retired_too:
            raise Problem(410, f"The tool {tool!r} is retired.")
        return standing

    async def submit(
        self, visit: BrowserRequest, kind: type[VoterChange], tool: str, **said: Any
    ) -> AcceptedChange:
        """Put a change on the log, and return once the broker has it.

        Raises:
            Problem: 429 when the network has made enough voters; 503 without acknowledgement.
        """
        found = self.voters.read(visit.headers)
        if found is None:
            self._newcomers.admit(self._proxies.client(visit.scope, visit.headers))
        voter = found or self.voters.newcomer()
        name = self.voters.pseudonym(voter)
        moment = self._stamps.after(voter.last)
        change = kind(tool=tool, voter=name, **said)
        event = Event(new_id(moment), moment, change)
        cookie = self.voters.set_cookie(Voter(voter.id, moment))
        delivery = await self._deliver(event, cookie)
        return AcceptedChange(name, cookie, change, delivery, new=found is None)

    async def _deliver(self, event: Event, cookie: str) -> Delivery:
        topic, value = event.data.topic.name, self._codec.encode(event)
        outcome = "accepted"
        try:
            sent = self._producer.send(topic, event.key.encode(), value, tracing.carried())
            return event_log.accepted(event.id, await sent)
        except NotWritten as error:
            outcome = "rejected"
            raise self._refused(f"This was not saved: {error}.", cookie) from None
        except DeliveryUnknown:
            outcome = "unknown"
            detail = "It is not known whether this was saved; send it again."
            raise self._refused(detail, cookie) from None
        finally:
            received(event.type, outcome).inc()

    def _refused(self, detail: str, cookie: str) -> Problem:
        """503 with the cookie: a retry must come from the same voter to count once."""
        problem = unavailable(detail)
        problem.headers["Set-Cookie"] = cookie
        return problem

    async def await_visible(self, taken: AcceptedChange, standing: CachedTool) -> VoteResponse:
        """What the voter sees now: waits up to a second for tally and page, unless it is full."""
        change = taken.change
        choice: OwnChoice = UNSET
        saved: Saved = UNSET
        if self._rush.arrive() or self._waiting >= MAX_WAITERS:
            standing = self._standings.known(change.tool) or standing
        else:
            with VOTE_TO_PAGE.time():
                standing, choice, saved = await self._wait_applied_and_published(taken, standing)
        if isinstance(change, VoteCast | VoteRetracted):
            choice = change.choice if isinstance(change, VoteCast) else None
        else:
            saved = isinstance(change, BookmarkAdded)
        return vote_response(standing, choice, saved)

    async def _wait_applied_and_published(
        self, taken: AcceptedChange, standing: CachedTool
    ) -> tuple[CachedTool, OwnChoice, Saved]:
        delivery, tool = taken.delivery, taken.change.tool
        own = None
        if not taken.new:
            own = asyncio.create_task(self.own_state(taken.voter, tool, taken.change))
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                place = delivery.topic, delivery.partition
                await self._progress.applied.wait_for(place, delivery.offset + 1)
                standing = await self._standings.fresh(tool) or standing
                await self._progress.published.wait_for(tool, standing.version)
        except (TimeoutError, SQLAlchemyError):
            # It is on the log: that the answer cannot be read in time is no failure.
            standing = self._standings.known(tool) or standing
        finally:
            self._waiting -= 1
        return standing, *(await _if_known(own) if own else (None, False))

    async def own_state(
        self, voter: str, tool: str, change: VoterChange | None = None
    ) -> tuple[OwnChoice, Saved]:
        """A voter's choice and bookmark for a tool, as far as `change` does not say it itself."""
        choice: OwnChoice = UNSET
        saved: Saved = UNSET
        if not isinstance(change, VoteCast | VoteRetracted):
            found = (await self._library.choices_of(voter)).get(tool)
            choice = msgspec.convert(found, Choice | None)
        if not isinstance(change, BookmarkAdded | BookmarkRemoved):
            saved = tool in await self._library.bookmarks_of(voter)
        return choice, saved


async def _if_known(own: "asyncio.Task[tuple[OwnChoice, Saved]]") -> tuple[OwnChoice, Saved]:
    """What was read meanwhile, unless that failed: nobody waits long for it alone."""
    await asyncio.wait({own}, timeout=OWN_SECONDS)
    if own.cancel() or own.exception() is not None:
        return UNSET, UNSET
    return own.result()


def vote_response(standing: CachedTool, choice: OwnChoice, saved: Saved) -> VoteResponse:
    """A standing as one voter sees it."""
    return VoteResponse(
        standing.tool, choice, standing.community, standing.bookmarks, standing.version, saved
    )
