"""What can be applied is applied; the rest is buried first, whole and once."""

from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple

import pytest
from faust.types import TP
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, OperationalError

from infra.consumer.group_commit import run_alone
from infra.consumer.protocols import CheckpointMismatch
from infra.kafka.codec import Codec, UndecodableError
from infra.postgres.engine import create_engine
from projections.read.tools import find_tool
from projections.write import store
from schemas.events import Event
from schemas.topics import DIGESTS, VOTES
from streams.processing.projector import Projector
from tests.harness.examples import TOOL, a_digest, a_listing, a_vote
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration

CODEC = Codec()
GARBAGE = b"no Avro of ours"


class ARecord(NamedTuple):
    topic: str
    offset: int
    value: bytes | None
    partition: int = 0
    key: bytes | None = b"key"
    headers: tuple[tuple[str, bytes], ...] = (("ce_id", b"01"),)


class FakeDeadLetters:
    """Keeps letters; refuses them while it is told to."""

    def __init__(self) -> None:
        self.letters: list[tuple[Any, Exception]] = []
        self.unavailable = False

    @property
    def offsets(self) -> list[int]:
        return [letter.offset for letter, _ in self.letters]

    def write(self, poison: Iterable[tuple[Any, Exception]]) -> None:
        if self.unavailable:
            raise ConnectionError("no broker")
        self.letters += poison


class World:
    """A projector on the real database, of one topic."""

    def __init__(self, engine: Engine, topic: str = VOTES.name) -> None:
        self.topic = topic
        self.journal = Journal(engine, (topic, 0))
        self.dead = FakeDeadLetters()
        self.projector = Projector(TP(topic, 0), engine, CODEC, self.dead)
        self.run = partial(store.apply, engine)

    def apply(self, *values: Event | bytes | None) -> None:
        start = self.projector.stored()
        raw = [CODEC.encode(it) if isinstance(it, Event) else it for it in values]
        records = [ARecord(self.topic, start + n, value) for n, value in enumerate(raw)]
        run_alone(self.projector.apply(records, start, start + len(records)), self.run)


@pytest.fixture
def votes(projected: Engine) -> World:
    Journal(projected).apply(a_listing())
    return World(projected)


@pytest.fixture
def digests(projected: Engine) -> World:
    """The one topic that can carry what the codec takes and the database refuses."""
    return World(projected, DIGESTS.name)


def tally(world: World) -> int:
    return world.journal.read(find_tool, TOOL).community.votes


def test_a_batch_is_applied_and_the_checkpoint_moves(votes: World) -> None:
    votes.apply(a_vote(), a_vote(voter="v-2"))
    assert tally(votes) == 2
    assert votes.projector.stored() == 2
    assert votes.dead.letters == []


def test_poison_is_buried_with_its_reason_and_the_rest_is_applied(votes: World) -> None:
    votes.apply(a_vote(), GARBAGE, None, CODEC.encode(a_vote())[:-1], a_vote(voter="v-2"))
    assert tally(votes) == 2
    assert votes.projector.stored() == 5
    assert votes.dead.offsets == [1, 2, 3]
    assert [letter.value for letter, _ in votes.dead.letters][:2] == [GARBAGE, None]
    assert all(isinstance(error, UndecodableError) for _, error in votes.dead.letters)


def test_a_batch_of_nothing_but_poison_moves_the_checkpoint(votes: World) -> None:
    votes.apply(GARBAGE, GARBAGE)
    assert votes.projector.stored() == 2
    assert votes.dead.offsets == [0, 1]


def test_while_dead_letters_cannot_be_written_nothing_is_applied_or_passed_over(
    votes: World,
) -> None:
    votes.dead.unavailable = True
    with pytest.raises(ConnectionError):
        votes.apply(a_vote(), GARBAGE)
    assert (votes.projector.stored(), tally(votes)) == (0, 0)
    votes.dead.unavailable = False
    votes.apply(a_vote(), GARBAGE)
    assert (votes.projector.stored(), tally(votes)) == (2, 1)


def test_poison_is_buried_once_however_often_its_batch_is_tried(votes: World) -> None:
    stop = OperationalError("", None, Exception("the database is away"))

    def refuse(_: object) -> None:
        raise stop

    there, votes.run = votes.run, refuse  # type: ignore[assignment]
    for _ in range(3):
        with pytest.raises(OperationalError):
            votes.apply(a_vote(), GARBAGE)
    votes.run = there
    votes.apply(a_vote(), GARBAGE)
    assert (votes.projector.stored(), tally(votes), votes.dead.offsets) == (2, 1, [1])


def test_a_good_batch_needs_no_dead_letters(votes: World) -> None:
    votes.dead.unavailable = True
    votes.apply(a_vote())
    assert tally(votes) == 1


@pytest.mark.parametrize("place", range(5))
def test_what_the_database_alone_refuses_is_found_wherever_it_stands(
    digests: World, place: int
) -> None:
    values = [a_digest(week=f"2026-W{n:02}") for n in range(1, 6)]
    values[place] = a_digest(digest="a\0b")
    digests.apply(*values)
    assert digests.projector.stored() == 5
    assert digests.dead.offsets == [place]
    assert isinstance(digests.dead.letters[0][1], DataError)
    assert len(digests.journal.rows("digests")) == 4


def test_each_poison_of_a_batch_is_buried_once_whatever_the_kind(digests: World) -> None:
    digests.apply(a_digest("2026-W01"), GARBAGE, a_digest(digest="\0"), GARBAGE, a_digest())
    assert digests.projector.stored() == 5
    assert sorted(digests.dead.offsets) == [1, 2, 3]
    assert len(digests.journal.rows("digests")) == 2


def test_a_batch_that_misses_its_checkpoint_is_told_and_applies_nothing(votes: World) -> None:
    votes.apply(a_vote())
    raw = CODEC.encode(a_vote(voter="v-2"))
    with pytest.raises(CheckpointMismatch) as missed:
        run_alone(votes.projector.apply([ARecord(VOTES.name, 0, raw)], 0, 1), votes.run)
    assert missed.value.stored == 1
    assert tally(votes) == 1


def test_a_database_that_is_away_buries_nothing(votes: World) -> None:
    away = create_engine("postgresql://nobody@127.0.0.1:1/nowhere")
    projector = Projector(TP(VOTES.name, 0), away, CODEC, votes.dead)
    steps = projector.apply([ARecord(VOTES.name, 0, CODEC.encode(a_vote()))], 0, 1)
    with pytest.raises(OperationalError):
        run_alone(steps, partial(store.apply, away))
    assert votes.dead.letters == []
