"""How far every generation is in every partition."""

import msgspec
from sqlalchemy import Engine

from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, ages
from infra.settings import Settings
from projections import generations
from projections.read.checkpoints import read_offsets
from schemas.topics import EVENT_PARTITIONS


class Position(msgspec.Struct, frozen=True):
    """How far a generation is in one partition.

    Attributes:
        generation: Its name.
        live: Whether it is the live one.
        topic: Topic of the partition.
        partition: Number of the partition.
        offset: The next offset to apply.
        end: The offset of the next record to be written.
        lag: Number of records that are not applied yet.
        seconds: Age of the next record to apply; None where it could not be read.
    """

    generation: str
    live: bool
    topic: str
    partition: int
    offset: int
    end: int
    lag: int
    seconds: float | None


def look_up_positions(settings: Settings, database: Engine) -> list[Position]:
    """Look up how far every generation is in every partition."""
    ends = LogOffsets(settings).ends(EVENT_PARTITIONS)
    with database.connect() as connection:
        live = generations.find_live(connection)
        names = generations.list_names(connection)
        offsets = {name: read_offsets(connection, name) for name in names}
    rows = []
    for name in names:
        ranges = {
            partition: OffsetRange(offsets[name].get(partition, 0), ends[partition])
            for partition in sorted(EVENT_PARTITIONS)
        }
        behind = ages(settings, ranges)
        for partition, unread in ranges.items():
            lag, seconds = (unread.length, behind[partition]) if partition in behind else (0, 0.0)
            rows.append(Position(name, name == live, *partition, *unread, lag, _rounded(seconds)))
    return rows


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
