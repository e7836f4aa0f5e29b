"""The API put together: every part gets what it needs here, once."""

import time
from collections.abc import Callable

import msgspec

from infra.kafka.codec import Codec
from infra.kafka.producer import FakeProducer, Producer
from infra.settings import Settings
from streams.api.auth.request_origin import Newcomers, Origins, Proxies
from streams.api.auth.tokens import Bearers, FakeTokens
from streams.api.auth.voter_cookie import Confirmations, Voters
from streams.api.ingest.cloudevents import Reader
from streams.api.ingest.endpoint import Intake
from streams.api.ingest.event_clock import FakeClock, Stamps
from streams.api.live.progress import Progress
from streams.api.live.sse import Hub
from streams.api.live.tally_cache import Standings
from streams.api.read_model import FakeLibrary, Library
from streams.api.reading.endpoints import Desk
from streams.api.reading.export import Export
from streams.api.status.endpoints import Health
from streams.api.status.pipeline_status import FakeObserver, Observer
from streams.api.voting.form_endpoints import Forms
from streams.api.voting.vote_service import Booth, Rush


class Outside(msgspec.Struct, frozen=True, kw_only=True):
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

    tokens: Bearers
    producer: Producer
    library: Library
    observer: Observer
    codec: Codec
    clock: Callable[[], int]
    timer: Callable[[], float] = time.monotonic


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What answers requests."""

    intake: Intake
    booth: Booth
    origins: Origins
    forms: Forms
    desk: Desk
    export: Export
    hub: Hub
    health: Health
    progress: Progress
    standings: Standings
    voters: Voters


def assemble(settings: Settings, outside: Outside) -> Parts:
    """Put the parts together. Needs `secret_keys` and `voter_key` in the settings."""
    secure = settings.public_url.startswith("https://")
    voters = Voters(settings.secret_keys, settings.voter_key, secure=secure)
    stamps, origins = Stamps(outside.clock), Origins(settings.public_url)
    standings, progress = Standings(outside.library), Progress()
    booth = Booth(
        voters=voters,
        stamps=stamps,
        newcomers=Newcomers(settings.new_voters_per_hour, outside.timer),
        proxies=Proxies(settings.trusted_proxies),
        codec=outside.codec,
        producer=outside.producer,
        standings=standings,
        progress=progress,
        library=outside.library,
        rush=Rush(outside.timer),
    )
    reader = Reader(stamps, voters)
    return Parts(
        intake=Intake(outside.tokens, reader, outside.codec, outside.producer, progress),
        booth=booth,
        origins=origins,
        forms=Forms(booth, origins, Confirmations(settings.secret_keys), stamps),
        desk=Desk(outside.library, standings, voters),
        export=Export(outside.library, voters, settings.public_url),
        hub=Hub(standings),
        health=Health(outside.observer),
        progress=progress,
        standings=standings,
        voters=voters,
    )


class Fakes(msgspec.Struct, frozen=True):
    """A world without servers."""

    tokens: FakeTokens
    producer: FakeProducer
    library: FakeLibrary
    observer: FakeObserver
    clock: FakeClock

    @property
    def outside(self) -> Outside:
        """The fakes as what the API needs; the timer follows the clock."""
        return Outside(
            tokens=self.tokens,
            producer=self.producer,
            library=self.library,
            observer=self.observer,
            codec=Codec(),
            clock=self.clock,
            timer=lambda: self.clock() / 1_000_000,
        )
