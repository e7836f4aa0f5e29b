"""Composition root of the API: every component gets its dependencies here, once."""

import time
from collections.abc import Callable

import msgspec

from infra.kafka.codec import Codec
from infra.kafka.producer import FakeProducer, Producer
from infra.settings import Settings
from streams.api.accounts.own_forms import OwnForms
from streams.api.accounts.sessions.session_cookie import SessionCookies
from streams.api.accounts.sessions.session_lookup import FakeSessions, SessionLookup
from streams.api.accounts.transfers.log_ends import FakeLogEnds, VoterLogEnds
from streams.api.accounts.transfers.vote_transfers import VoteTransfers
from streams.api.accounts.voters import Voters
from streams.api.accounts.wiring import AccountEndpoints, build_accounts
from streams.api.auth.csrf import CsrfTokens
from streams.api.auth.hourly_counters import HourlyCounts, ProcessCounts
from streams.api.auth.new_voter_limit import NewVoterRateLimit
from streams.api.auth.request_origin import OriginPolicy
from streams.api.auth.tokens import FakeTokens, TokenLookup
from streams.api.auth.trusted_proxies import TrustedProxies
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.http.html_page import BarePageRenderer, PageRenderer
from streams.api.ingest.endpoint import IngestEndpoint
from streams.api.ingest.event_clock import FakeClock, MonotonicClock
from streams.api.ingest.event_parser import EventParser
from streams.api.ingest.reference_warnings import ReferenceChecker
from streams.api.ingest.voter_batches import VoterBatches
from streams.api.live.changes_endpoint import ChangesEndpoint
from streams.api.live.progress import Progress
from streams.api.live.sse import SseHub
from streams.api.live.tally_cache import TallyCache
from streams.api.middleware.known_hosts import KnownHosts
from streams.api.openapi.document import OpenApi
from streams.api.private_store import FakePrivateStore, PrivateStore
from streams.api.read_model import FakeReadModel, ReadModel
from streams.api.reading.endpoints import ReadEndpoints
from streams.api.reading.export import PersonalExport
from streams.api.registry.endpoints import RegistryEndpoints
from streams.api.registry.subjects import Subjects
from streams.api.status.endpoints import Health
from streams.api.status.status_probe import FakeObserver, Observer
from streams.api.subscriptions.wiring import SubscriptionEndpoints, build_subscriptions
from streams.api.voting.endpoints import VoteEndpoint, bookmarks_endpoint, votes_endpoint
from streams.api.voting.form_endpoints import FormEndpoints
from streams.api.voting.own_states import OwnStates
from streams.api.voting.vote_service import VoteService
from streams.api.voting.voter_activity import VoterActivity


class Dependencies(msgspec.Struct, frozen=True, kw_only=True):
    """The outside world; each dependency is real, or a fake that ships beside it.

    Attributes:
        tokens: Finds bearer tokens.
        sessions: Finds sessions of accounts.
        new_voters: Counts new voters per network prefix.
        producer: Writes records to the log.
        read_model: Runs queries of the projections.
        log_ends: Asks where the topics of voters end.
        private: Reads and writes rows that never go on the log.
        pages: Renders pages in the site's design.
        observer: Observes the pipeline.
        codec: Encodes events, and knows the schema ids of records.
        clock: Microseconds since 1970.
        timer: Monotonic seconds.
    """

    tokens: TokenLookup
    sessions: SessionLookup
    new_voters: HourlyCounts
    producer: Producer
    read_model: ReadModel
    log_ends: VoterLogEnds
    private: PrivateStore
    pages: PageRenderer
    observer: Observer
    codec: Codec
    clock: Callable[[], int]
    timer: Callable[[], float] = time.monotonic


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoints, and the state that the process keeps current for them."""

    ingest: IngestEndpoint
    votes: VoteEndpoint
    bookmarks: VoteEndpoint
    forms: FormEndpoints
    subscriptions: SubscriptionEndpoints
    accounts: AccountEndpoints
    transfers: VoteTransfers
    reads: ReadEndpoints
    export: PersonalExport
    changes: ChangesEndpoint
    registry: RegistryEndpoints
    openapi: OpenApi
    health: Health
    hosts: KnownHosts
    proxies: TrustedProxies
    public_url: str
    access_log: bool
    vote_service: VoteService
    voter_cookies: VoterCookies
    sse_hub: SseHub
    progress: Progress
    tallies: TallyCache


def build(settings: Settings, dependencies: Dependencies) -> Components:
    """Build the components. Requires `secret_keys` and `voter_key` in the settings."""
    read_model, producer = dependencies.read_model, dependencies.producer
    secure = settings.public_url.startswith("https://")
    voter_cookies = VoterCookies(settings.secret_keys, settings.voter_key, secure=secure)
    session_cookies = SessionCookies(settings.secret_keys, secure=secure)
    voters = Voters(voter_cookies, session_cookies, dependencies.sessions)
    clock, origins = MonotonicClock(dependencies.clock), OriginPolicy(settings.public_url)
    tallies, progress = TallyCache(read_model), Progress()
    sse_hub, proxies = SseHub(tallies), TrustedProxies(settings.trusted_proxies)
    vote_service = VoteService(
        voters=voters,
        clock=clock,
        new_voter_limit=NewVoterRateLimit(
            settings.new_voters_per_hour, dependencies.new_voters, proxies, dependencies.timer
        ),
        activity=VoterActivity(settings.voter_changes_per_minute, dependencies.timer),
        codec=dependencies.codec,
        producer=producer,
        tallies=tallies,
        progress=progress,
        own_states=OwnStates(read_model),
    )
    parser, batches = EventParser(clock, voter_cookies), VoterBatches(clock, voter_cookies)
    transfers = VoteTransfers(
        private=dependencies.private,
        read_model=read_model,
        log_ends=dependencies.log_ends,
        progress=progress,
        producer=producer,
        codec=dependencies.codec,
        clock=clock,
    )
    csrf_tokens = CsrfTokens(settings.secret_keys)
    return Components(
        ingest=IngestEndpoint(
            dependencies.tokens,
            parser,
            batches,
            dependencies.codec,
            producer,
            progress,
            clock,
            ReferenceChecker(tallies, read_model),
        ),
        votes=votes_endpoint(vote_service, origins),
        bookmarks=bookmarks_endpoint(vote_service, origins),
        subscriptions=build_subscriptions(
            settings, dependencies.private, read_model, dependencies.pages, dependencies.clock
        ),
        forms=FormEndpoints(vote_service, origins, csrf_tokens, clock),
        accounts=build_accounts(
            settings,
            private=dependencies.private,
            read_model=read_model,
            pages=dependencies.pages,
            voters=voters,
            transfers=transfers,
            forms=OwnForms(origins, csrf_tokens, clock),
            clock=clock,
        ),
        transfers=transfers,
        reads=ReadEndpoints(read_model, tallies, voters),
        export=PersonalExport(read_model, voters, settings.public_url),
        changes=ChangesEndpoint(sse_hub, proxies),
        registry=RegistryEndpoints(Subjects(dependencies.codec)),
        openapi=OpenApi(settings.public_url),
        health=Health(dependencies.observer),
        hosts=KnownHosts(settings),
        proxies=proxies,
        public_url=settings.public_url,
        access_log=settings.access_log,
        vote_service=vote_service,
        voter_cookies=voter_cookies,
        sse_hub=sse_hub,
        progress=progress,
        tallies=tallies,
    )


class Fakes(msgspec.Struct, frozen=True):
    """Dependencies without servers."""

    tokens: FakeTokens
    sessions: FakeSessions
    producer: FakeProducer
    read_model: FakeReadModel
    observer: FakeObserver
    clock: FakeClock
    log_ends: VoterLogEnds = FakeLogEnds()
    private: PrivateStore = FakePrivateStore()
    pages: PageRenderer = BarePageRenderer()

    @property
    def dependencies(self) -> Dependencies:
        """The fakes as dependencies; the timer follows the clock."""

        def timer() -> float:
            return self.clock() / 1_000_000

        return Dependencies(
            tokens=self.tokens,
            sessions=self.sessions,
            new_voters=ProcessCounts(timer),
            producer=self.producer,
            read_model=self.read_model,
            log_ends=self.log_ends,
            private=self.private,
            pages=self.pages,
            observer=self.observer,
            codec=Codec(),
            clock=self.clock,
            timer=timer,
        )
