"""Compares the live tables with a replay of the log, and the ledger with log and tallies."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import msgspec
import psycopg
from confluent_kafka import Consumer, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition
from sqlalchemy import Connection, Engine, select

from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import create_engine as database_engine
from infra.settings import Settings
from projections import generations, tables
from projections.folds.handlers import HANDLERS
from projections.generation_diff import compare_tables
from projections.read.checkpoints import read_offsets
from projections.write import store
from projections.write.checkpoints import DatabaseCheckpoints
from schemas.events import Event
from schemas.topics import EVENT_PARTITIONS, TopicPartition
from streams.processing.batch import commit_in_halves, prepare
from streams.rebuild.generation_filler import CountingDeadLetters, Fetched, fetched
from tests.faults.harness.checks import audit
from tests.faults.harness.checks.ledger import Ledger, Outcome

Register = tuple[str, ...]
REPLAYED = "projections_999"
_EXCESS = """
select coalesce(sum(abs(t.ship - coalesce(b.ship, 0)) + abs(t.skip - coalesce(b.skip, 0))), 0)
from {live}.tallies t left join (
    select tool, count(*) filter (where choice = 1) as ship,
        count(*) filter (where choice = 2) as skip
    from {live}.ballots group by tool
) b using (tool)
"""


class Figures(msgspec.Struct):
    """What a test prints."""

    fault: str
    sent: int
    acknowledged: int
    rejected: int
    unknown: int
    applied: int
    lost: int
    doubled: int
    ghosts: int
    seconds: float
    note: str = ""

    @property
    def sound(self) -> bool:
        """Acknowledged exactly once, rejected never, unknown at most once."""
        return not (self.lost or self.doubled or self.ghosts)


class Logged(NamedTuple):
    """One record of the log; without an event when it cannot be decoded."""

    place: TopicPartition
    offset: int
    event: Event | None


def read_log(settings: Settings) -> list[Logged]:
    """Every record of every event topic."""
    codec = Codec()
    entries = []
    for message in messages(settings, EVENT_PARTITIONS):
        topic_partition = str(message.topic()), int(message.partition() or 0)
        try:
            event = codec.decode(topic_partition[0], message.value())
        except UndecodableError:
            event = None
        entries.append(Logged(topic_partition, int(message.offset() or 0), event))
    return entries


def messages(settings: Settings, topic_partitions: Iterable[TopicPartition]) -> Iterator[Message]:
    """What consumers that read committed transactions see, from the first offset to the end."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka,
            "group.id": "faults-oracle",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 20,
        }
    )
    wanted = {
        topic_partition
        for topic_partition, end in LogOffsets(settings).ends(topic_partitions).items()
        if end
    }
    consumer.assign([KafkaPartition(*topic_partition, 0) for topic_partition in sorted(wanted)])
    try:
        while wanted:
            for message in consumer.consume(10_000, 0.1):
                if (error := message.error()) is None:
                    yield message
                elif error.name() == "_PARTITION_EOF":
                    wanted.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()


def replay_differs(settings: Settings, engine: Engine) -> list[str]:
    """Replay the log into empty tables, and list where the live ones differ.

    The replay ends where the live ones do: a closed week may just have been frozen behind that.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop schema if exists {REPLAYED} cascade")
        tables.create_generation(connection, REPLAYED)
        live = generations.find_live(connection)
        positions = read_offsets(connection, live)
    _replay(settings, positions)
    with engine.connect() as connection:
        compared = compare_tables(connection, live, REPLAYED)
        return [
            f"{table.table}: live only {table.only_in_first}, replayed only {table.only_in_second}"
            for table in compared
            if not table.equal
        ]


def _replay(settings: Settings, upto: Mapping[TopicPartition, int]) -> None:
    """Apply the records before these offsets, and not one more."""
    records: dict[TopicPartition, list[Fetched]] = defaultdict(list)
    for record in map(fetched, messages(settings, upto)):
        topic_partition = record.topic, record.partition
        if record.offset < upto[topic_partition]:
            records[topic_partition].append(record)
    beside = database_engine(settings, name="oracle", generation=REPLAYED, writes=True)
    try:
        begins = DatabaseCheckpoints(beside, LogOffsets(settings)).load(records)
        for topic_partition, begin in begins.items():
            batch = prepare(
                Codec(), topic_partition, records[topic_partition], begin, upto[topic_partition]
            )
            commit_in_halves(
                batch, partial(store.commit, beside, quiet=True), CountingDeadLetters().write
            )
    finally:
        beside.dispose()


def judge(
    fault: str, settings: Settings, engine: Engine, ledger: Ledger, seconds: float, note: str = ""
) -> Figures:
    """Compare the ledger with the log and the live projections, which no worker changes now."""
    log = read_log(settings)
    on_log = Counter(entry.event.id for entry in log if entry.event)
    acknowledged = {event.id for event in ledger.having(Outcome.ACKNOWLEDGED)}
    rejected = {event.id for event in ledger.having(Outcome.REJECTED)}
    url = settings.database_url
    with engine.connect() as connection, psycopg.connect(url) as plain:
        live = generations.find_live(connection)
        at = read_offsets(connection, live)
        passed = {
            entry.event.id for entry in log if entry.event and entry.offset < at.get(entry.place, 0)
        }
        missing = _unsettled(connection, ledger)
        excess = connection.exec_driver_sql(_EXCESS.format(live=live)).scalar_one()
        doubled = audit.applied_twice(plain) + int(excess)
        skipped = audit.jumped(plain)
    doubled += sum(max(0, on_log[event] - ledger.tries[event]) for event in ledger.events)
    return Figures(
        fault=fault,
        sent=len(ledger.events),
        acknowledged=len(acknowledged),
        rejected=len(rejected),
        unknown=ledger.count(Outcome.UNKNOWN),
        applied=len(passed & set(ledger.events)),
        lost=len(acknowledged - passed) + missing + skipped,
        doubled=doubled,
        ghosts=len(rejected & set(on_log)),
        seconds=seconds,
        note=note,
    )


def _unsettled(connection: Connection, ledger: Ledger) -> int:
    """Registers of voters that do not show what the ledger says they must.

    A register must show the greatest acknowledged event, or a greater one of unknown fate.
    """
    shown: dict[tuple[str, ...], bytes] = {
        (table.name, row.voter, row.tool): bytes(row.stamp)
        for table in (tables.ballots, tables.bookmarks)
        for row in connection.execute(select(table))
    }
    return sum(shown.get(register) not in stamps for register, stamps in _allowed(ledger).items())


def _allowed(ledger: Ledger) -> dict[Register, set[bytes | None]]:
    """What each register may show; None means no row."""
    sure: dict[Register, bytes] = {}
    for register, stamp in _claims(ledger.having(Outcome.ACKNOWLEDGED)):
        sure[register] = max(sure.get(register, b""), stamp)
    allowed: dict[Register, set[bytes | None]] = {
        register: {newest} for register, newest in sure.items()
    }
    for register, stamp in _claims(ledger.having(Outcome.UNKNOWN)):
        if stamp > sure.get(register, b""):
            allowed.setdefault(register, {None}).add(stamp)
    return allowed


def _claims(events: Iterable[Event]) -> Iterator[tuple[Register, bytes]]:
    for event in events:
        for write in HANDLERS[type(event.data)](event):
            if write.table in ("ballots", "bookmarks"):
                yield (write.table, *write.key), write.stamp
