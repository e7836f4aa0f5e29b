"""A generation takes the place of the live one, gives it back, and goes."""

from collections.abc import Callable, Iterable

import pytest
from sqlalchemy import text

from infra.kafka.offsets import LogOffsets
from infra.settings import Settings
from projections import generations
from projections.generations import BusyError, UnknownGenerationError
from projections.read.checkpoints import read_offsets
from schemas.topics import DEAD_LETTERS, VOTES, TopicPartition
from streams.rebuild.equal_offsets import NotReadyError, at_equal_offsets
from tests.harness.examples import a_listing, a_vote
from tests.harness.kafka import CODEC, Reader
from tests.harness.waiting import wait_until
from tests.streams.rebuild.rebuild_operator import FIRST, SECOND, Operator

pytestmark = pytest.mark.integration


def test_a_promotion_during_votes_loses_none_and_the_former_generation_follows(
    operator: Operator, tool: str
) -> None:
    operator.rebuild()
    operator.send(*(a_vote(tool=tool, voter=f"{tool}-a{n}") for n in range(500)))
    operator.promote(SECOND)  # where the new one was ahead, the difference is announced
    operator.send(*(a_vote(tool=tool, voter=f"{tool}-b{n}") for n in range(500)))
    assert operator.live() == SECOND
    wait_until("the votes are applied", lambda: operator.ships(tool), lambda ships: ships == 1_003)
    wait_until(
        "the votes are applied",
        lambda: operator.ships_in(FIRST, tool),
        lambda ships: ships == 1_003,
    )


def test_a_promotion_announces_its_changes_and_nothing_else(operator: Operator, tool: str) -> None:
    with operator.engine.begin() as connection:
        connection.execute(text("update tallies set ship = 99 where tool = :tool"), {"tool": tool})
    operator.rebuild()
    writes = operator.count_outbox_writes()
    assert operator.promote(SECOND) == 1
    assert operator.count_outbox_writes() == writes + 1
    assert operator.ships(tool) == 3


def test_after_a_promotion_versions_are_those_that_subscribers_know_or_newer(
    operator: Operator, unique: Callable[[str], str], tool: str
) -> None:
    """The new generation wrote its rows at another time, and draws versions when it writes."""
    same = unique("same")
    operator.rebuild()
    operator.send(a_listing(same), a_vote(tool=same))
    wait_until(
        "the votes are applied", lambda: operator.ships_in(SECOND, same), lambda ships: ships == 1
    )
    wait_until("the votes are applied", lambda: operator.ships(same), lambda ships: ships == 1)
    with operator.engine.begin() as connection:
        connection.execute(
            text("update tallies set ship = 99, version = nextval('verdicts.version')"
                 " where tool = :tool"), {"tool": tool},
        )  # fmt: skip
    known, wrong = operator.version(same), operator.version(tool)
    operator.promote(SECOND)
    assert operator.version(same) == known
    assert operator.version(tool) > wrong


def test_records_the_live_generation_has_not_reached_are_announced_after_a_promotion_too(
    operator: Operator, tool: str, cluster: dict[str, str]
) -> None:
    """The new one has passed it over in silence, since that is for the live one to do."""
    operator.stop_worker()
    poison = operator.sender.send_raw(VOTES.name, tool.encode(), b"no Avro of ours")
    operator.send(a_vote(tool=tool, voter=f"{tool}-behind"))
    name = operator.rebuild()
    assert operator.passed_over > 0
    operator.promote(name)
    with operator.engine.connect() as connection:
        before, after = (read_offsets(connection, each) for each in (FIRST, name))
    assert before == after
    operator.start_worker()
    wait_until("nothing waits on the log", operator.lag, lambda lag: lag == 0)
    assert operator.ships(tool) == 4
    dead_letters = Reader(cluster, DEAD_LETTERS)
    offsets = [
        dict(message.headers() or ())["__connect.errors.offset"]
        for message in dead_letters.of(tool.encode())
    ]
    dead_letters.close()
    assert offsets == [str(poison.offset()).encode()]


class HookedLog(LogOffsets):
    """Calls a function before each question for the ends of partitions."""

    def __init__(self, settings: Settings, before_ends: Callable[[], None]) -> None:
        super().__init__(settings)
        self._before_ends = before_ends

    def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self._before_ends()
        return super().ends(partitions)


@pytest.mark.parametrize("moment", ["ends", "switch"])
def test_a_process_that_stops_while_it_blocks_all_batches_blocks_them_no_longer(
    moment: str, operator: Operator, tool: str
) -> None:
    operator.rebuild()

    def stall(at: str) -> None:
        """Continue only after a worker has applied a vote."""
        if at == moment:
            before = operator.ships(tool) or 0
            operator.send(a_vote(tool=tool, voter=f"{tool}-{before}"))
            wait_until(
                "the votes are applied",
                lambda: operator.ships(tool),
                lambda ships: ships == before + 1,
                seconds=10,
            )

    log = HookedLog(operator.settings, lambda: stall("ends"))

    def promote() -> None:
        with at_equal_offsets(operator.settings, log, CODEC, SECOND, seconds=1) as connection:
            stall("switch")
            generations.make_live(connection, SECOND)

    with pytest.raises(NotReadyError, match="stood still"):
        promote()
    assert operator.live() == FIRST


def test_a_promotion_waits_for_batches_in_flight_but_not_for_ever(
    without_worker: Operator,
) -> None:
    without_worker.rebuild()
    with without_worker.engine.begin() as connection:
        connection.execute(text("select verdicts.enter()"))
        with pytest.raises(BusyError, match="Batches in flight"):
            without_worker.promote(SECOND, lock_seconds=1)
        with pytest.raises(BusyError), without_worker.engine.begin() as other:
            generations.drop(other, SECOND, lock_seconds=1)
    assert without_worker.live() == FIRST


def test_a_rollback_never_returns_to_a_dropped_generation(
    without_worker: Operator,
) -> None:
    without_worker.promote(without_worker.rebuild())
    with without_worker.engine.begin() as connection:
        generations.drop(connection, FIRST)
        assert connection.scalar(text("select former from verdicts.generation")) is None


def test_promoting_the_former_generation_rolls_back(operator: Operator, tool: str) -> None:
    operator.rebuild()
    operator.promote(SECOND)
    with operator.engine.connect() as connection:
        assert generations.find_former(connection) == FIRST
    operator.promote(FIRST)
    assert operator.live() == FIRST
    operator.send(a_vote(tool=tool, voter=f"{tool}-again"))
    wait_until("the votes are applied", lambda: operator.ships(tool), lambda ships: ships == 4)


def test_a_generation_replaces_one_of_a_lost_log(operator: Operator, tool: str) -> None:
    operator.stop_worker()
    with operator.engine.begin() as connection:
        connection.execute(text("update checkpoints set next_offset = next_offset + 1000000"))
    operator.rebuild()
    operator.promote(SECOND)
    assert operator.live() == SECOND
    assert operator.ships(tool) == 3


def test_the_live_generation_is_neither_promoted_nor_dropped(without_worker: Operator) -> None:
    with pytest.raises(NotReadyError, match="live already"):
        without_worker.promote(FIRST)
    with (
        without_worker.engine.begin() as connection,
        pytest.raises(UnknownGenerationError, match="promote another"),
    ):
        generations.drop(connection, FIRST)


def test_an_unknown_generation_is_refused_by_naming_those_that_exist(
    without_worker: Operator,
) -> None:
    with pytest.raises(UnknownGenerationError, match=FIRST):
        without_worker.promote("projections_7; drop schema verdicts")


def test_a_dropped_generation_is_gone_and_its_number_is_not_reused_while_later_ones_exist(
    without_worker: Operator,
) -> None:
    without_worker.rebuild()
    assert without_worker.rebuild() == "projections_3"
    with without_worker.engine.begin() as connection:
        generations.drop(connection, SECOND)
        assert generations.list_names(connection) == [FIRST, "projections_3"]
