"""How Faust is wired here: its transport, its agents, and nothing of its own that it keeps."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP, ProcessingGuarantee

from infra.consumer.agent import LARGEST_BATCH
from infra.consumer.app import BatchedApp, NoTables, batched_app
from infra.consumer.fetch_tuning import BATCHED, LOW_LATENCY, FetchTuner
from infra.consumer.runner import assigned
from infra.consumer.transport import Consumer, Transport
from infra.kafka.codec import Codec
from infra.postgres.heartbeats import instance_name
from infra.settings import Settings
from schemas.topics import EVENT_TOPICS, TopicPartition
from streams.processing import projector


class FakeCheckpoints:
    """Every partition begins at its beginning."""

    def load(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def stored(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    def has_records(self, _: TopicPartition, begin: int, end: int) -> bool:
        return begin < end

    def verify(self, partitions: Iterable[TopicPartition]) -> None:
        pass


def an_app(**environment: str) -> BatchedApp:
    given = {"KAFKA_BOOTSTRAP_SERVERS": "one:9092,two:9092", **environment}
    return batched_app("tests", Settings.from_environment(given), FakeCheckpoints())


def test_faust_finds_the_transport_by_its_entry_point() -> None:
    transport = an_app().transport
    assert type(transport) is Transport
    assert transport.Consumer is Consumer


def test_every_event_topic_has_an_agent_with_an_actor_per_partition() -> None:
    app = an_app()
    nothing: Any = None
    projector.register(app, nothing, Codec(), nothing)
    assert set(app.agents) == {f"consume.{topic.name}" for topic in EVENT_TOPICS}
    assert all(agent.isolated_partitions for agent in app.agents.values())


def test_faust_keeps_nothing_of_its_own() -> None:
    app = an_app()
    guarantee: Any = app.conf.processing_guarantee  # faust types it as the class
    assert guarantee is ProcessingGuarantee.AT_LEAST_ONCE
    assert app.conf.topic_disable_leader
    assert not app.conf.topic_allow_declare
    assert not app.conf.web_enabled
    assert not app.tables


def test_a_killed_workers_partitions_move_within_the_quarter_of_a_minute() -> None:
    app = an_app()
    assert app.conf.broker_session_timeout + app.conf.broker_heartbeat_interval < 15


def test_membership_is_static_for_a_worker_that_has_a_name() -> None:
    assert an_app().conf.consumer_group_instance_id is None
    assert an_app(VERDICTS_INSTANCE="worker-7").conf.consumer_group_instance_id == "worker-7"


def test_all_brokers_are_known() -> None:
    assert [url.host for url in an_app().conf.broker] == ["one", "two"]
    assert {url.scheme for url in an_app().conf.broker} == {"batched"}


def test_credentials_of_a_secured_cluster_reach_faust() -> None:
    secured: Any = an_app(
        KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT",
        KAFKA_SASL_MECHANISM="SCRAM-SHA-256",
        KAFKA_SASL_USERNAME="worker",
        KAFKA_SASL_PASSWORD="secret",
    ).conf.broker_credentials
    assert (secured.username, secured.password) == ("worker", "secret")
    assert secured.mechanism.value == "SCRAM-SHA-256"
    assert an_app().conf.broker_credentials is None


def test_before_it_runs_an_app_works_on_nothing() -> None:
    assert assigned(an_app()) == {}


def test_a_process_without_a_name_is_named_by_host_and_pid() -> None:
    assert instance_name("worker-7") == "worker-7"
    assert instance_name("").endswith(f"-{os.getpid()}")


def test_nothing_is_acknowledged_through_faust() -> None:
    app = an_app()
    nothing: Any = None
    projector.register(app, nothing, Codec(), nothing)
    channels = [agent.channel for agent in app.agents.values()]
    assert all(channel.acks is False for channel in channels)


def a_fetching_consumer() -> Any:
    """The library's consumer as our transport makes it, not started."""

    async def create() -> Any:
        app: Any = an_app()
        return app.consumer._thread._create_worker_consumer(app.transport)

    return asyncio.run(create())


def test_uncommitted_records_are_not_read() -> None:
    assert a_fetching_consumer()._isolation_level == "read_committed"


def test_a_seek_waits_briefly_for_an_empty_fetch() -> None:
    assert a_fetching_consumer()._fetch_max_wait_ms <= 200


class FakeFetcher:
    """Gives a lot of records at each fetch, as the library's own would."""

    _closed = False
    _fetch_min_bytes, _fetch_max_wait_ms = LOW_LATENCY

    def __init__(self) -> None:
        self._subscriptions = SimpleNamespace(fetch_context=nullcontext)

    async def fetched_records(self, *_: Any, **__: Any) -> Mapping[TP, list[str]]:
        return {TP("votes", 0): ["a record"] * 10_000}


def test_at_a_high_rate_the_next_fetch_lets_the_broker_gather() -> None:
    async def fetched() -> Any:
        app: Any = an_app()
        app.consumer.flow_active = True
        thread = app.consumer._thread
        thread._create_worker_consumer(app.transport)
        thread.tuner = FetchTuner(iter((0.0, 1.0)).__next__)
        consumer = SimpleNamespace(_closed=False, _fetcher=FakeFetcher())
        await thread._fetch_records(consumer, set())
        return consumer._fetcher

    fetcher = asyncio.run(fetched())
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == BATCHED[max(BATCHED)]


def test_records_are_unpacked_a_batch_at_a_time() -> None:
    assert an_app().conf.broker_max_poll_records == LARGEST_BATCH


class FakeMember:
    """The library's consumer as a member of its group; it notes what is reported."""

    def __init__(self, *, joining: bool) -> None:
        self.reported: list[Any] = []
        self._subscription = SimpleNamespace(subscription=object())
        self._coordinator = SimpleNamespace(need_rejoin=lambda _: joining)

    def assignment(self) -> set[TP]:
        return {TP("votes", 0)}

    async def commit(self, offsets: Any) -> None:
        self.reported.append(offsets)


@pytest.mark.parametrize("joining", [False, True])
def test_during_a_rebalance_no_offset_is_reported(joining: bool) -> None:
    async def reported() -> list[Any]:
        app: Any = an_app()
        thread = app.consumer._thread
        thread._consumer = member = FakeMember(joining=joining)
        await thread.report_unless_rebalancing({TP("votes", 0): 7})
        return member.reported

    assert len(asyncio.run(reported())) == (not joining)


def test_subscribing_waits_for_no_tables() -> None:
    assert isinstance(an_app().tables, NoTables)
