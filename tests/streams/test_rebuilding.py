"""A generation is filled beside the live one, takes its place, and gives it back."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from sqlalchemy import Connection, Engine, text

from infra import database as databases
from infra.settings import Settings
from projections import generations, queries
from projections.generations import BusyError, UnknownGenerationError
from projections.outbox import Key
from schemas.events import Event
from schemas.topics import BOOKMARKS, DEAD_LETTERS, EVENT_PLACES, VOTES
from streams import rebuilding
from streams.rebuilding import NotReadyError
from tests.examples import a_listing, a_vote
from tests.services import CODEC, Reader, Sender, Service, environment, eventually

pytestmark = pytest.mark.integration

FIRST, SECOND = "projections_1", "projections_2"


class World:
    """A worker on a database of its own, once it is started, and what an operator has at hand."""

    worker: Service | None = None

    def __init__(self, kafka: str, database: str, data: Path) -> None:
        told = environment(kafka=kafka, database=database, data=data)
        self.settings = Settings.from_environment(told)
        self.engine: Engine = databases.engine(database, name="verdicts tests", idle_seconds=0)
        self.sender = Sender(kafka)
        self._where: dict[str, Any] = {"kafka": kafka, "database": database, "data": data}

    def start_worker(self) -> None:
        self.worker = Service("worker", **self._where)

    def stop_worker(self) -> None:
        """A worker that leaves its group spares the next one the wait for its session to end."""
        if self.worker:
            self.worker.kill() if self.worker.process.poll() is not None else self.worker.stop()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Type a command as an operator does."""
        return subprocess.run(
            [sys.executable, "-m", "infra.command", *words],
            env=environment(**self._where), capture_output=True, text=True, check=True,
        )  # fmt: skip

    def send(self, *events: Event) -> None:
        self.sender.send(events)

    def rebuild(self) -> str:
        name = rebuilding.create(self.engine)
        self.passed_over = self.resume(name)
        return name

    def resume(self, name: str) -> int:
        nobody = lambda *_: None  # noqa: E731
        return rebuilding.rebuild(self.settings, self.engine, CODEC, name, nobody).passed_over

    def promote(self, name: str) -> int:
        return rebuilding.promote(self.settings, self.engine, CODEC, name)

    def ships(self, tool: str) -> int | None:
        with self.engine.connect() as connection:
            tally = queries.tallies(connection, [tool]).get(tool)
        return tally.community.ship if tally else None

    def version(self, tool: str) -> int:
        with self.engine.connect() as connection:
            found = queries.tool(connection, tool)
        assert found
        return found.version

    def ships_in(self, generation: str, tool: str) -> int | None:
        query = f"select ship from {generation}.tallies where tool = :tool"
        with self.engine.connect() as connection:
            return connection.scalar(text(query), {"tool": tool})

    def lag(self) -> int:
        """How many events the live generation has not applied."""
        found = rebuilding.positions(self.settings, self.engine)
        return sum(it.lag for it in found if it.live)

    def live(self) -> str:
        with self.engine.connect() as connection:
            return generations.live(connection)

    def told(self) -> int:
        """How often the outbox was written to so far."""
        with self.engine.connect() as connection:
            return connection.scalar(
                text("select coalesce(pg_sequence_last_value(pg_get_serial_sequence("
                     "'verdicts.outbox', 'id')), 0)")
            ) or 0  # fmt: skip


@pytest.fixture
def still(cluster: str, projected_url: str, tmp_path: Path) -> Iterator[World]:
    """A world in which nothing is applied yet, and nobody is there to do so."""
    made = World(cluster, projected_url, tmp_path)
    yield made
    made.stop_worker()
    made.engine.dispose()


@pytest.fixture
def world(still: World) -> World:
    still.start_worker()
    return still


@pytest.fixture
def tool(unique: Callable[[str], str], world: World) -> str:
    """A tool with three votes, which the worker has applied with all else on the log."""
    slug = unique("tool")
    world.send(a_listing(slug), *(a_vote(tool=slug, voter=f"{slug}-{n}") for n in range(3)))
    # What other tests left on the log is applied too, so that both generations know the same.
    eventually(world.lag, lambda lag: lag == 0)
    assert world.ships(slug) == 3
    return slug


def test_a_rebuild_equals_the_live_generation_and_tells_nobody(world: World, tool: str):
    told = world.told()
    assert world.rebuild() == SECOND
    with world.engine.connect() as connection:
        compared = list(generations.compare(connection, FIRST, SECOND))
    assert all(table.equal for table in compared)
    assert world.live() == FIRST
    assert world.told() == told
    found = rebuilding.positions(world.settings, world.engine)
    assert {(it.generation, it.live) for it in found} == {(FIRST, True), (SECOND, False)}
    assert len(found) == 2 * len(EVENT_PLACES)
    assert all(it.lag in (0, it.end - it.offset) for it in found)


def test_what_differs_is_shown_by_its_rows(still: World, unique: Callable[[str], str]):
    tool = unique("tool")
    still.send(a_listing(tool), a_vote(tool=tool))
    one, other = still.rebuild(), still.rebuild()
    with still.engine.begin() as connection:
        connection.execute(
            text(f"update {other}.tallies set ship = 7 where tool = :tool"), {"tool": tool}
        )
        compared = {it.table: it for it in generations.compare(connection, one, other)}
    assert compared["ballots"].equal
    assert not compared["tallies"].equal
    assert [row for row in compared["tallies"].only_in_first if tool in row] == [f"({tool},1,0,0)"]
    assert [row for row in compared["tallies"].only_in_second if tool in row] == [f"({tool},7,0,0)"]


def test_workers_keep_a_new_generation_up_with_the_log(world: World, tool: str):
    world.rebuild()
    world.send(a_vote(tool=tool, voter=f"{tool}-late"))
    eventually(lambda: world.ships_in(SECOND, tool), lambda ships: ships == 4)
    assert world.ships(tool) == 4


def test_promoted_under_a_stream_of_votes_nothing_is_lost_and_the_former_follows(
    world: World, tool: str
):
    world.rebuild()
    world.send(*(a_vote(tool=tool, voter=f"{tool}-a{n}") for n in range(500)))
    world.promote(SECOND)  # where the new one was ahead, the difference is announced
    world.send(*(a_vote(tool=tool, voter=f"{tool}-b{n}") for n in range(500)))
    assert world.live() == SECOND
    eventually(lambda: world.ships(tool), lambda ships: ships == 1_003)
    eventually(lambda: world.ships_in(FIRST, tool), lambda ships: ships == 1_003)


def test_what_a_promotion_changes_is_announced_and_nothing_else(world: World, tool: str):
    with world.engine.begin() as connection:
        connection.execute(text("update tallies set ship = 99 where tool = :tool"), {"tool": tool})
    world.rebuild()
    told = world.told()
    assert world.promote(SECOND) == 1
    assert world.told() == told + 1
    assert world.ships(tool) == 3


def test_after_a_promotion_versions_are_those_that_subscribers_know_or_newer(
    world: World, unique: Callable[[str], str], tool: str
):
    """The new generation wrote its rows at another time, and draws versions when it writes."""
    same = unique("same")
    world.rebuild()
    world.send(a_listing(same), a_vote(tool=same))
    eventually(lambda: world.ships_in(SECOND, same), lambda ships: ships == 1)
    eventually(lambda: world.ships(same), lambda ships: ships == 1)
    with world.engine.begin() as connection:
        connection.execute(
            text("update tallies set ship = 99, version = nextval('verdicts.version')"
                 " where tool = :tool"), {"tool": tool},
        )  # fmt: skip
    known, wrong = world.version(same), world.version(tool)
    world.promote(SECOND)
    assert world.version(same) == known
    assert world.version(tool) > wrong


def test_what_the_live_generation_has_not_reached_is_buried_and_told_after_a_promotion_too(
    world: World, tool: str, cluster: str
):
    """The new one has passed it over in silence, since that is for the live one to do."""
    world.stop_worker()
    poison = world.sender.send_raw(VOTES.name, tool.encode(), b"no Avro of ours")
    world.send(a_vote(tool=tool, voter=f"{tool}-behind"))
    name = world.rebuild()
    assert world.passed_over > 0
    world.promote(name)
    with world.engine.connect() as connection:
        before, after = (generations.positions(connection, it) for it in (FIRST, name))
    assert before == after
    world.start_worker()
    eventually(world.lag, lambda lag: lag == 0)
    assert world.ships(tool) == 4
    letters = Reader(cluster, DEAD_LETTERS)
    found = [
        dict(it.headers() or ())["__connect.errors.offset"] for it in letters.of(tool.encode())
    ]
    letters.close()
    assert found == [str(poison.offset()).encode()]


def test_the_answer_of_a_command_is_all_that_it_says_on_standard_output(still: World):
    still.sender.send_raw(VOTES.name, b"key", b"no Avro of ours")
    done = still.command("projections", "rebuild", "--json")
    told = json.loads(done.stdout)
    assert told["generation"] == SECOND
    assert told["passed_over"] > 0
    assert f"--resume {SECOND}" in done.stderr


def test_a_rebuild_ends_where_the_log_ends_with_the_mark_of_a_transaction(
    world: World, tool: str, cluster: str
):
    producer = Producer({"bootstrap.servers": cluster, "transactional.id": tool, "log_level": 0})
    producer.init_transactions(20)
    producer.begin_transaction()
    vote = a_vote(tool=tool, voter=f"{tool}-marked")
    producer.produce(BOOKMARKS.name, partition=0, key=b"", value=CODEC.encode(vote))
    producer.flush(20)
    producer.abort_transaction(20)
    assert world.rebuild() == SECOND
    found = rebuilding.positions(world.settings, world.engine)
    (marked,) = [
        it for it in found if (it.generation, it.topic, it.partition) == (SECOND, BOOKMARKS.name, 0)
    ]
    assert marked.offset < marked.end
    assert (marked.lag, marked.seconds) == (0, 0.0)


def test_who_stops_while_all_batches_wait_does_not_keep_them_waiting(
    world: World, tool: str, monkeypatch: pytest.MonkeyPatch
):
    world.rebuild()
    monkeypatch.setattr(rebuilding, "LEVEL_SECONDS", 1)
    switch = generations.switch

    def stand_still_and_go_on(connection: Connection, name: str) -> set[Key]:
        world.send(a_vote(tool=tool, voter=f"{tool}-meanwhile"))
        eventually(lambda: world.ships(tool), lambda ships: ships == 4, seconds=10)
        return switch(connection, name)

    monkeypatch.setattr(generations, "switch", stand_still_and_go_on)
    with pytest.raises(NotReadyError, match="stood still"):
        world.promote(SECOND)
    assert world.live() == FIRST


def test_a_promotion_waits_for_batches_in_flight_but_not_for_ever(
    still: World, monkeypatch: pytest.MonkeyPatch
):
    still.rebuild()
    monkeypatch.setattr(generations, "PATIENCE_SECONDS", 1)
    with still.engine.begin() as connection:
        connection.execute(text("select verdicts.enter()"))
        with pytest.raises(BusyError, match="Batches in flight"):
            still.promote(SECOND)
        with pytest.raises(BusyError), still.engine.begin() as other:
            generations.drop(other, SECOND)
    assert still.live() == FIRST


def test_two_generations_are_compared_at_the_same_offsets_whatever_arrives(world: World, tool: str):
    world.rebuild()
    world.send(*(a_vote(tool=tool, voter=f"{tool}-c{n}") for n in range(2_000)))
    found = rebuilding.compare(world.settings, world.engine, CODEC, SECOND)
    assert (found.live, found.ahead) == (FIRST, 0)
    assert all(table.equal for table in found.tables)


def test_a_generation_that_is_ahead_of_one_that_stands_still_is_compared_and_that_is_told(
    world: World, tool: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rebuilding, "LEVEL_ATTEMPTS", 2)
    world.stop_worker()
    world.send(a_vote(tool=tool, voter=f"{tool}-ahead"))
    world.rebuild()
    found = rebuilding.compare(world.settings, world.engine, CODEC, SECOND)
    assert found.ahead == 1
    assert {it.table for it in found.tables if not it.equal} == {"ballots", "tallies"}


def test_generations_of_different_code_are_compared_by_what_both_have_and_promoted(still: World):
    still.send(a_listing())
    still.promote(still.rebuild())
    third = still.rebuild()
    with still.engine.begin() as connection:
        connection.execute(text(f"alter table {third}.tools add column motto text"))
    found = rebuilding.compare(still.settings, still.engine, CODEC, third)
    assert {it.table: it.columns for it in found.tables if not it.equal} == {"tools": ["motto"]}
    with still.engine.connect() as connection:
        tools = connection.scalar(text("select count(*) from tools"))
    assert still.promote(third) == tools


def test_what_cannot_be_filled_is_refused_by_name(still: World):
    with pytest.raises(NotReadyError, match="live already"):
        still.resume(FIRST)
    with pytest.raises(UnknownGenerationError, match="no generation 'elsewhere'"):
        still.resume("elsewhere")


def test_a_generation_that_was_dropped_is_not_what_one_goes_back_to(still: World):
    still.promote(still.rebuild())
    with still.engine.begin() as connection:
        generations.drop(connection, FIRST)
        assert connection.scalar(text("select former from verdicts.generation")) is None


def test_a_promotion_is_taken_back_by_promoting_the_former(world: World, tool: str):
    world.rebuild()
    world.promote(SECOND)
    with world.engine.connect() as connection:
        assert generations.former(connection) == FIRST
    world.promote(FIRST)
    assert world.live() == FIRST
    world.send(a_vote(tool=tool, voter=f"{tool}-again"))
    eventually(lambda: world.ships(tool), lambda ships: ships == 4)


def test_a_generation_takes_the_place_of_one_that_read_a_log_that_is_gone(world: World, tool: str):
    world.stop_worker()
    with world.engine.begin() as connection:
        connection.execute(text("update checkpoints set next_offset = next_offset + 1000000"))
    world.rebuild()
    world.promote(SECOND)
    assert world.live() == SECOND
    assert world.ships(tool) == 3


def test_the_live_generation_is_neither_promoted_nor_dropped(still: World):
    with pytest.raises(NotReadyError, match="live already"):
        still.promote(FIRST)
    with (
        still.engine.begin() as connection,
        pytest.raises(UnknownGenerationError, match="promote another"),
    ):
        generations.drop(connection, FIRST)


def test_an_unknown_generation_is_refused_by_naming_those_that_exist(still: World):
    with pytest.raises(UnknownGenerationError, match=FIRST):
        still.promote("projections_7; drop schema verdicts")


def test_a_dropped_generation_is_gone_and_its_number_is_not_used_while_later_ones_stand(
    still: World,
):
    still.rebuild()
    assert still.rebuild() == "projections_3"
    with still.engine.begin() as connection:
        generations.drop(connection, SECOND)
        assert generations.names(connection) == [FIRST, "projections_3"]
