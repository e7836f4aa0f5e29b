"""Rebuilding: a new generation from the first offset on, and its way to being the live one."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Engine

from infra.codec import Codec
from infra.consumer.app import Place
from infra.database import GENERATION_LOCK, engine, plain_connection
from infra.log import Log
from infra.scan import Span, ages
from infra.settings import Settings
from projections import generations
from streams.filling import Progress, fill
from streams.follower import PLACES, Follower

# A promotion reads the last records itself while everybody waits, so there must be few.
MOST_RECORDS_BEHIND = 50_000


class NotReadyError(Exception):
    """A generation cannot become live yet; the message says what to do."""


class Position(msgspec.Struct, frozen=True):
    """How far a generation is in one partition; `seconds` is the age of what it applies next."""

    generation: str
    live: bool
    topic: str
    partition: int
    offset: int
    end: int
    seconds: float = 0.0

    @property
    def lag(self) -> int:
        """Events not applied yet."""
        return max(0, self.end - self.offset)


def positions(settings: Settings, database: Engine) -> list[Position]:
    """Say how far every generation is in every partition."""
    ends = Log(settings).ends(PLACES)
    with database.connect() as connection:
        live = generations.live(connection)
        names = generations.names(connection)
        offsets = {name: generations.positions(connection, name) for name in names}
    found = []
    for name in names:
        spans = {place: Span(offset, ends[place]) for place, offset in offsets[name].items()}
        seconds = ages(settings, spans)
        found += [
            Position(name, name == live, *place, *span, round(seconds.get(place, 0.0), 3))
            for place, span in sorted(spans.items())
        ]
    return found


def rebuild(settings: Settings, database: Engine, codec: Codec, progress: Progress) -> str:
    """Make a new generation and fill it up to where the log ends now; give its name.

    The live one keeps serving and receiving. Afterwards the workers keep the new one up with the
    log. `progress` gets the events applied and those to apply.
    """
    with database.begin() as connection:
        name = generations.create(connection)
    fill(settings, codec, name, progress)
    return name


def promote(settings: Settings, database: Engine, codec: Codec, name: str) -> int:
    """Make a generation live while no batch is in flight; give the number of records that differ.

    Workers wait meanwhile. Pages and changes follow only what differs.

    Raises:
        NotReadyError: it is live already, or too far behind.
        projections.generations.UnknownGenerationError: there is no such generation.
    """
    with database.connect() as connection:
        generations.require(connection, name)
        if name == generations.live(connection):
            raise NotReadyError(f"{name} is live already.")
        at = generations.positions(connection, name)
    target = _target(settings, database)
    behind = sum(max(0, offset - at.get(place, 0)) for place, offset in target.items())
    if behind > MOST_RECORDS_BEHIND:
        raise NotReadyError(
            f"{name} is {behind} events behind; wait until the workers have brought it up, "
            "or run: verdicts projections rebuild --resume"
        )
    with plain_connection(settings, "verdicts promote") as session:
        session.execute("set lock_timeout = '15s'")
        session.execute("select pg_advisory_lock(%s)", [GENERATION_LOCK])
        return _switch(settings, database, codec, name)


def _switch(settings: Settings, database: Engine, codec: Codec, name: str) -> int:
    """Bring the generation level with the live one, which stands still now, and point to it."""
    target = _target(settings, database)
    beside = engine(settings, name="verdicts promote", generation=name, pool_size=1)
    follower = Follower(settings, beside, codec)
    try:
        follower.catch_up(target, lambda _: None)
        with beside.begin() as connection:
            return len(generations.switch(connection, name))
    finally:
        follower.close()
        beside.dispose()


def _target(settings: Settings, database: Engine) -> Mapping[Place, int]:
    """How far a generation must be to take the live one's place.

    That is as far as the live one, unless the log ends before: then a topic was made anew, and the
    live one has nothing more to read.
    """
    ends = Log(settings).ends(PLACES)
    with database.connect() as connection:
        at = generations.positions(connection, generations.live(connection))
    return {place: min(offset, ends[place]) for place, offset in at.items() if place in ends}
