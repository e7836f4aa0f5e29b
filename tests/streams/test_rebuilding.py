"""A generation is filled beside the live one, takes its place, and gives it back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from infra import database as databases
from infra.settings import Settings
from projections import generations, queries
from projections.generations import UnknownGenerationError
from schemas.events import Event
from streams import rebuilding
from streams.follower import PLACES
from streams.rebuilding import NotReadyError
from tests.examples import a_listing, a_vote
from tests.services import CODEC, Sender, Service, environment, eventually

pytestmark = pytest.mark.integration

FIRST, SECOND = "projections_1", "projections_2"


class World:
    """A worker on a database of its own, and what an operator has at hand."""

    def __init__(self, kafka: str, database: str, data: Path) -> None:
        told = environment(kafka=kafka, database=database, data=data)
        self.settings = Settings.from_environment(told)
        self.engine: Engine = databases.engine(database, name="verdicts tests", idle_seconds=0)
        self.sender = Sender(kafka)
        self.worker = Service("worker", kafka=kafka, database=database, data=data)

    def send(self, *events: Event) -> None:
        self.sender.send(events)

    def rebuild(self) -> str:
        return rebuilding.rebuild(self.settings, self.engine, CODEC, lambda *_: None)

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
        assert len(found) <= len(PLACES)
        # A worker that was never assigned a partition has no checkpoint for it.
        return sum(it.lag for it in found) if len(found) == len(PLACES) else -1

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
def world(cluster: str, projected_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(cluster, projected_url, tmp_path)
    yield made
    # A worker that leaves its group spares the next one the wait for its session to end.
    made.worker.kill() if made.worker.process.poll() is not None else made.worker.stop()
    made.engine.dispose()


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


def test_what_differs_is_shown_by_its_rows(world: World, tool: str):
    world.rebuild()
    with world.engine.begin() as connection:
        connection.execute(
            text(f"update {SECOND}.tallies set ship = 7 where tool = :tool"), {"tool": tool}
        )
        compared = {it.table: it for it in generations.compare(connection, FIRST, SECOND)}
    assert compared["ballots"].equal
    assert not compared["tallies"].equal
    assert [row for row in compared["tallies"].only_in_first if tool in row] == [f"({tool},3,0,0)"]
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
    world.worker.stop()
    with world.engine.begin() as connection:
        connection.execute(text("update checkpoints set next_offset = next_offset + 1000000"))
    world.rebuild()
    world.promote(SECOND)
    assert world.live() == SECOND
    assert world.ships(tool) == 3


def test_the_live_generation_is_neither_promoted_nor_dropped(world: World):
    with pytest.raises(NotReadyError, match="live already"):
        world.promote(FIRST)
    with (
        world.engine.begin() as connection,
        pytest.raises(UnknownGenerationError, match="promote another"),
    ):
        generations.drop(connection, FIRST)


def test_an_unknown_generation_is_refused_by_naming_those_that_exist(world: World):
    with pytest.raises(UnknownGenerationError, match=FIRST):
        world.promote("projections_7; drop schema verdicts")


def test_a_dropped_generation_is_gone_and_its_number_is_not_used_while_later_ones_stand(
    world: World, tool: str
):
    world.rebuild()
    assert world.rebuild() == "projections_3"
    with world.engine.begin() as connection:
        generations.drop(connection, SECOND)
        assert generations.names(connection) == [FIRST, "projections_3"]


def test_how_far_every_generation_is_can_be_told(world: World, tool: str):
    world.rebuild()
    found = rebuilding.positions(world.settings, world.engine)
    assert {(it.generation, it.live) for it in found} == {(FIRST, True), (SECOND, False)}
    assert len(found) == 2 * len(PLACES)
    assert all(it.lag == max(0, it.end - it.offset) for it in found)
