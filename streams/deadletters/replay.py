"""Lists dead letters and resolves them: operators replay or discard each.

Dead letters stay on their topic for ever. `verdicts.settled_letters` holds their resolutions, keyed
by the topic's id, so that a topic made anew starts without any. All copies of a dead letter are
resolved with it, so that those without a resolution are those that wait.
"""

import time
from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Connection, Engine, text

from infra.errors import VerdictsError
from infra.kafka.client import create_producer
from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.delivery import PARTITION_OF_KEY, Delivery, Outcome, Outgoing, send_each
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, Progress, scan
from infra.settings import Settings
from schemas.events import Event
from schemas.time.ahead import is_too_far_ahead
from schemas.time.instants import rfc3339
from schemas.topics import DEAD_LETTERS_PARTITION, EVENT_TOPICS, LARGEST_RECORD
from streams.deadletters.model import (
    DeadLetter,
    Origin,
    Resolution,
    merge_copies,
    parse_dead_letter,
)

SECONDS = 10.0
TOPIC_NAMES = {topic.name for topic in EVENT_TOPICS}

_RESOLVE = text(
    "insert into verdicts.settled_letters (topic_id, letter, outcome, reason)"
    " values (:topic_id, :number, :state, :note)"
    " on conflict (topic_id, letter) do update set"
    " outcome = excluded.outcome, reason = excluded.reason, at = excluded.at"
)
_RESOLUTIONS = text(
    "select letter, outcome, reason from verdicts.settled_letters where topic_id = :topic_id"
)


class ReplayError(VerdictsError):
    """A dead letter cannot be replayed; the message says why, and what can be done."""


class DeadLetterReplay:
    """Reads the dead letters of an installation, replays and discards them.

    Lists hold dead letters without their values, since there may be many and each may be large;
    a needed value is read again.

    Args:
        settings: The brokers.
        database: Holds the resolutions.
        codec: Decides whether a dead letter can be read now.
    """

    def __init__(self, settings: Settings, database: Engine, codec: Codec) -> None:
        self._settings = settings
        self._database = database
        self._codec = codec
        bounds = LogOffsets(settings).bounds([DEAD_LETTERS_PARTITION])[DEAD_LETTERS_PARTITION]
        self._topic_id = bounds.topic_id
        self._range = OffsetRange(bounds.first, bounds.end)

    def list_all(self, progress: Progress = lambda _: None) -> list[DeadLetter]:
        """All dead letters without their values, copies merged, oldest first."""
        with self._database.connect() as connection:
            rows = connection.execute(_RESOLUTIONS, {"topic_id": self._topic_id})
            resolutions = {row.letter: Resolution(row.outcome, row.reason) for row in rows}
        records = scan(self._settings, {DEAD_LETTERS_PARTITION: self._range}, progress)
        bare = (parse_dead_letter(record._replace(value=None)) for record in records)
        return sorted(merge_copies(bare, resolutions), key=lambda dead_letter: dead_letter.number)

    @property
    def size(self) -> int:
        """How many offsets `list_all` reads."""
        return self._range.length

    def with_values(self, dead_letters: Collection[DeadLetter]) -> Iterator[DeadLetter]:
        """The same dead letters with their values, oldest first."""
        numbers = {dead_letter.number for dead_letter in dead_letters}
        if numbers:
            offsets = OffsetRange(min(numbers), max(numbers) + 1)
            for record in scan(self._settings, {DEAD_LETTERS_PARTITION: offsets}):
                if record.offset in numbers:
                    yield parse_dead_letter(record)

    def decode(self, dead_letter: DeadLetter) -> Event:
        """Decode the failed record with today's code; the dead letter must have its value.

        Raises:
            UndecodableError: it still cannot be read.
        """
        if dead_letter.origin is None:
            raise UndecodableError("its headers do not say from which topic it came")
        if dead_letter.origin.topic not in TOPIC_NAMES:
            raise UndecodableError(f"{dead_letter.origin.topic} is not a topic of events")
        return self._codec.decode(dead_letter.origin.topic, dead_letter.value)

    def replay(
        self, dead_letters: Collection[DeadLetter], *, force: bool = False
    ) -> dict[int, Origin]:
        """Send failed records again as they were; give each one's new offset by number.

        An interruption between sending and resolving leaves a replayed dead letter waiting. A
        second replay does no harm: an event applied twice is an event applied once.

        Args:
            dead_letters: Those to send.
            force: Also those that still cannot be read or are still dated ahead.

        Raises:
            ReplayError: one cannot be sent, still cannot be read, or is still dated ahead (then
                none was sent), or the broker did not acknowledge one (the acknowledged ones are
                resolved).
        """
        for dead_letter in self.with_values(dead_letters):
            self._require_replayable(dead_letter, force=force)
        replayed: dict[int, Origin] = {}
        rejections: list[Exception] = []
        for dead_letter, outcome in self._send(dead_letters):
            if isinstance(outcome, Delivery):
                origin = Origin(outcome.topic, outcome.partition, outcome.offset)
                replayed[dead_letter.number] = origin
            else:
                rejections.append(outcome)
        self._record_replayed(dead_letters, replayed)
        if missing := len(dead_letters) - len(replayed):
            reason = rejections[0] if rejections else "they are not on their topic"
            raise ReplayError(
                f"{missing} of {len(dead_letters)} dead letters were not acknowledged "
                f"({reason}); they still wait, so replay them again."
            )
        return replayed

    def discard(self, dead_letters: Iterable[DeadLetter], reason: str) -> None:
        """Resolve dead letters without a replay; they stay on their topic, and leave the list."""
        with self._database.begin() as connection:
            for dead_letter in dead_letters:
                self._record_resolution(connection, dead_letter, Resolution("discarded", reason))

    def _require_replayable(self, dead_letter: DeadLetter, *, force: bool) -> None:
        try:
            event = self.decode(dead_letter)
        except UndecodableError as error:
            known = dead_letter.origin is not None and dead_letter.origin.topic in TOPIC_NAMES
            if not (force and known):
                advice = "; fix what reads it, discard it, or use --force" if known else ""
                message = f"Dead letter {dead_letter.number} cannot be applied: {error}{advice}."
                raise ReplayError(message) from None
            return
        if is_too_far_ahead(event.time, time.time_ns() // 1_000_000) and not force:
            raise ReplayError(
                f"Dead letter {dead_letter.number} is dated {rfc3339(event.time)}: replayed now, "
                "it would become a dead letter again; discard it, replay it at that time, or use "
                "--force."
            )

    def _send(self, dead_letters: Collection[DeadLetter]) -> Iterator[tuple[DeadLetter, Outcome]]:
        # Anything that a topic of dead letters can hold.
        large = {"message.max.bytes": LARGEST_RECORD}
        producer = create_producer(self._settings, large, delivery_seconds=SECONDS)
        return send_each(producer, self.with_values(dead_letters), _outgoing, 2 * SECONDS)

    def _record_replayed(
        self, dead_letters: Iterable[DeadLetter], replayed: dict[int, Origin]
    ) -> None:
        with self._database.begin() as connection:
            for dead_letter in dead_letters:
                if origin := replayed.get(dead_letter.number):
                    self._record_resolution(
                        connection, dead_letter, Resolution("replayed", f"now {origin}")
                    )

    def _record_resolution(
        self, connection: Connection, dead_letter: DeadLetter, resolution: Resolution
    ) -> None:
        columns = {"topic_id": self._topic_id, **resolution._asdict()}
        numbers = (dead_letter.number, *dead_letter.copies)
        connection.execute(_RESOLVE, [{**columns, "number": number} for number in numbers])


def _outgoing(dead_letter: DeadLetter) -> Outgoing:
    assert dead_letter.origin
    return Outgoing(
        dead_letter.origin.topic,
        dead_letter.key,
        dead_letter.value,
        list(dead_letter.headers),
        # A record without a key would go anywhere, so it goes to its old partition.
        dead_letter.origin.partition if dead_letter.key is None else PARTITION_OF_KEY,
    )
