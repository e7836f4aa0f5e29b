"""A log of one partition that is applied without a broker."""

from typing import Any

from sqlalchemy import Engine, text

from projections import tables
from projections.write import store
from projections.write.store import Batch
from schemas.events import Event

TOPIC_PARTITION = ("tests.journal", 0)
_BEGIN = text(
    "insert into checkpoints (topic, partition, topic_id, next_offset) "
    "values (:topic, :partition, 'made for a test', 0)"
)


class Journal:
    """Applies events in the order given, a batch per call."""

    def __init__(self, engine: Engine, topic_partition: tuple[str, int] = TOPIC_PARTITION) -> None:
        """Begin at offset 0, which the checkpoint says."""
        self.engine = engine
        self.topic_partition = topic_partition
        self.next = 0
        with engine.begin() as connection:
            connection.execute(
                _BEGIN, {"topic": topic_partition[0], "partition": topic_partition[1]}
            )

    def apply(self, *events: Event) -> None:
        """Apply one batch."""
        upto = self.next + max(len(events), 1)
        store.apply(self.engine, [Batch(self.topic_partition, self.next, upto, events)])
        self.next = upto

    def read(self, question: Any, *arguments: Any, **options: Any) -> Any:
        """Ask one of the query functions in `projections.read` or `projections.history`."""
        with self.engine.connect() as connection:
            return question(connection, *arguments, **options)

    def rows(self, table: str, *but: str) -> list[tuple[Any, ...]]:
        """All rows of a table in some fixed order, without some columns."""
        columns = [
            column.name
            for column in tables.metadata.tables[table].columns
            if column.name not in but
        ]
        with self.engine.connect() as connection:
            names = ", ".join(columns)
            rows = connection.execute(text(f"select {names} from {table} order by {table}::text"))
            return [tuple(row) for row in rows]

    def outbox(self) -> list[tuple[str, str]]:
        """Take the keys that wait in the outbox, sorted."""
        return self._take("verdicts.outbox")

    def dirty(self) -> list[tuple[str, str]]:
        """Take the keys of records whose pages wait, sorted."""
        return self._take("verdicts.dirty")

    def _take(self, table: str) -> list[tuple[str, str]]:
        with self.engine.begin() as connection:
            taken = connection.execute(text(f"delete from {table} returning kind, key"))
            return sorted((row.kind, row.key) for row in taken)
