"""The API put together: every part gets what it needs here, once."""

import time
from collections.abc import Callable

import msgspec

from infra.kafka.codec import Codec
from infra.kafka.producer import FakeProducer, Producer
from infra.settings import Settings
from streams.api.auth.request_origin import NewVoterRateLimit, OriginPolicy, TrustedProxies
from streams.api.auth.tokens import FakeTokens, TokenLookup
from streams.api.auth.voter_cookie import CsrfTokens, VoterCookies
from streams.api.ingest.cloudevents import EventParser
from streams.api.ingest.endpoint import IngestEndpoint
from streams.api.ingest.event_clock import FakeClock, MonotonicClock
from streams.api.live.progress import Progress
from streams.api.live.sse import SseHub
from streams.api.live.tally_cache import TallyCache
from streams.api.read_model import FakeReadModel, ReadModel
from streams.api.reading.endpoints import ReadEndpoints
from streams.api.reading.export import PersonalExport
from streams.api.status.endpoints import Health
from streams.api.status.pipeline_status import FakeObserver, Observer
from streams.api.voting.form_endpoints import FormEndpoints
from streams.api.voting.vote_service import ArrivalRate, VoteService


class Dependencies(msgspec.Struct, frozen=True, kw_only=True):
    """What the API needs of the world; each is real, or a fake that ships beside it.

    Attributes:
        tokens: Knows who bears a token.
        producer: Puts records on the log.
        library: Reads the projections.
        observer: Looks at the whole chain.
        codec: Writes events as bytes.
        clock: Microseconds since 1970.
        timer: Seconds that only go forward.
    """

    tokens: TokenLookup
    producer: Producer
    library: ReadModel
    observer: Observer
    codec: Codec
    clock: Callable[[], int]
    timer: Callable[[], float] = time.monotonic


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """What answers requests."""

    intake: IngestEndpoint
    booth: VoteService
    origins: OriginPolicy
    forms: FormEndpoints
    desk: ReadEndpoints
    export: PersonalExport
    hub: SseHub
    health: Health
    progress: Progress
    standings: TallyCache
    voters: VoterCookies


def build(settings: Settings, outside: Dependencies) -> Components:
    """Put the parts together. Needs `secret_keys` and `voter_key` in the settings."""
    secure = settings.public_url.startswith("https://")
    voters = VoterCookies(settings.secret_keys, settings.voter_key, secure=secure)
    stamps, origins = MonotonicClock(outside.clock), OriginPolicy(settings.public_url)
    standings, progress = TallyCache(outside.library), Progress()
    booth = VoteService(
        voters=voters,
        stamps=stamps,
        newcomers=NewVoterRateLimit(settings.new_voters_per_hour, outside.timer),
        proxies=TrustedProxies(settings.trusted_proxies),
        codec=outside.codec,
        producer=outside.producer,
        standings=standings,
        progress=progress,
        library=outside.library,
        rush=ArrivalRate(outside.timer),
    )
    reader = EventParser(stamps, voters)
    return Components(
        intake=IngestEndpoint(outside.tokens, reader, outside.codec, outside.producer, progress),
        booth=booth,
        origins=origins,
        forms=FormEndpoints(booth, origins, CsrfTokens(settings.secret_keys), stamps),
        desk=ReadEndpoints(outside.library, standings, voters),
        export=PersonalExport(outside.library, voters, settings.public_url),
        hub=SseHub(standings),
        health=Health(outside.observer),
        progress=progress,
        standings=standings,
        voters=voters,
    )


class Fakes(msgspec.Struct, frozen=True):
    """A world without servers."""

    tokens: FakeTokens
    producer: FakeProducer
    library: FakeReadModel
    observer: FakeObserver
    clock: FakeClock

    @property
    def outside(self) -> Dependencies:
        """The fakes as what the API needs; the timer follows the clock."""
        return Dependencies(
            tokens=self.tokens,
            producer=self.producer,
            library=self.library,
            observer=self.observer,
            codec=Codec(),
            clock=self.clock,
            timer=lambda: self.clock() / 1_000_000,
        )
