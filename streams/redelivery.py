"""What operators do with dead letters: look at them, send them again, or let them rest.

Letters stay on their topic for ever. What became of each stands in `verdicts.settled_letters`,
keyed by the topic's id, so that a topic made anew starts with a clean slate.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from sqlalchemy import Connection, Engine, text

from infra.codec import Codec, UndecodableError
from infra.log import Log, Place
from infra.producer import configuration
from infra.scan import Progress, Record, Span, scan
from infra.settings import Settings
from schemas.events import Event
from schemas.topics import DEAD_LETTERS, EVENT_TOPICS
from streams.deadletters import PREFIX

SECONDS = 10.0
LARGEST_RECORD = int(DEAD_LETTERS.config["max.message.bytes"])
BY_KEY = -1
PLACE: Place = (DEAD_LETTERS.name, 0)
State = Literal["waiting", "replayed", "discarded"]

_SETTLE = text(
    "insert into verdicts.settled_letters (topic_id, letter, outcome, reason)"
    " values (:topic_id, :letter, :outcome, :reason)"
    " on conflict (topic_id, letter) do update set"
    " outcome = excluded.outcome, reason = excluded.reason, at = excluded.at"
)
_SETTLED = text(
    "select letter, outcome, reason from verdicts.settled_letters where topic_id = :topic_id"
)


class RedeliveryError(Exception):
    """A letter cannot be sent again; the message says why, and what can be done."""


class Origin(NamedTuple):
    """Where the record stood that became a letter."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter.

    Attributes:
        number: Its offset on the dead letters' topic, by which it is named.
        written: When it was written there, in milliseconds since 1970.
        origin: Where its record stood; None where the headers do not say.
        timestamp: The original record's, in milliseconds; None where the headers do not say.
        stage: Where it failed: `VALUE_CONVERTER` (it could not be read) or `TASK_PUT`.
        error: The class of the error.
        reason: The error's own words.
        headers: Those of the original.
        state: What became of it.
        note: Why, or where its record stands now.
        copies: Numbers of further letters of the same record.
    """

    number: int
    written: int
    origin: Origin | None
    timestamp: int | None
    stage: str
    error: str
    reason: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    state: State = "waiting"
    note: str = ""
    copies: tuple[int, ...] = ()


class Settled(NamedTuple):
    """What became of a letter."""

    outcome: State
    reason: str


def read(record: Record) -> Letter:
    """Read a record of the dead letters' topic."""
    said = {
        name.removeprefix(PREFIX): (value or b"").decode(errors="replace")
        for name, value in record.headers
        if name.startswith(PREFIX)
    }
    return Letter(
        number=record.offset,
        written=record.timestamp,
        origin=_origin(said),
        timestamp=_number(said.get("timestamp", "")),
        stage=said.get("stage", ""),
        error=said.get("exception.class.name", ""),
        reason=said.get("exception.message", ""),
        key=record.key,
        value=record.value,
        headers=tuple(pair for pair in record.headers if not pair[0].startswith(PREFIX)),
    )


def _origin(said: Mapping[str, str]) -> Origin | None:
    partition, offset = _number(said.get("partition", "")), _number(said.get("offset", ""))
    if partition is None or offset is None or not said.get("topic"):
        return None
    return Origin(said["topic"], partition, offset)


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() else None


def sorted_out(letters: Iterable[Letter], settled: Mapping[int, Settled]) -> Iterator[Letter]:
    """Give each original record once, as its newest letter, with what became of it.

    A worker that is killed between the letter and its checkpoint writes the letter again. Such
    copies are one case: what became of any of them became of all.
    """
    cases: dict[object, list[Letter]] = {}
    for letter in letters:
        cases.setdefault(letter.origin or letter.number, []).append(letter)
    for case in cases.values():
        outcome = next((settled[it.number] for it in case if it.number in settled), None)
        *copies, newest = case
        yield msgspec.structs.replace(
            newest,
            copies=tuple(copy.number for copy in copies),
            state=outcome.outcome if outcome else "waiting",
            note=outcome.reason if outcome else "",
        )


class Redelivery:
    """Reads the dead letters of an installation and settles them.

    Args:
        settings: Where the log is.
        database: Where it stands what became of them.
        codec: Says whether a letter can be read now.
    """

    def __init__(self, settings: Settings, database: Engine, codec: Codec) -> None:
        self._settings = settings
        self._database = database
        self._codec = codec
        bounds = Log(settings).bounds([PLACE])[PLACE]
        self._topic_id = bounds.topic_id
        self._span = Span(bounds.first, bounds.end)

    def letters(self, progress: Progress = lambda _: None) -> list[Letter]:
        """All cases, in the order in which they were written."""
        with self._database.connect() as connection:
            rows = connection.execute(_SETTLED, {"topic_id": self._topic_id})
            settled = {row.letter: Settled(row.outcome, row.reason) for row in rows}
        records = scan(self._settings, {PLACE: self._span}, progress)
        return sorted(sorted_out(map(read, records), settled), key=lambda it: it.number)

    @property
    def size(self) -> int:
        """How many letters there are to read."""
        return self._span.length

    def decoded(self, letter: Letter) -> Event:
        """Read a letter's record again, as the system is now.

        Raises:
            UndecodableError: it still cannot be read.
        """
        if letter.origin is None:
            raise UndecodableError("its headers do not say from which topic it came")
        if letter.origin.topic not in {topic.name for topic in EVENT_TOPICS}:
            raise UndecodableError(f"{letter.origin.topic} is not a topic of events")
        return self._codec.decode(letter.origin.topic, letter.value)

    def replay(self, letters: Collection[Letter], *, force: bool = False) -> dict[int, Origin]:
        """Send records again as they were; give where each stands now, by the letter's number.

        An interruption between sending and settling leaves a letter waiting that was sent. To send
        it once more does no harm: an event applied twice is an event applied once.

        Args:
            letters: Those to send.
            force: Also those that still cannot be read.

        Raises:
            RedeliveryError: one cannot be sent, or still cannot be read (then none was sent), or
                the broker did not acknowledge one (those it did are settled).
        """
        for letter in letters:
            self._require_deliverable(letter, force=force)
        stand, failures = self._send(letters)
        with self._database.begin() as connection:
            for number, origin in stand.items():
                self._settle(connection, number, "replayed", f"now {origin}")
        if len(stand) < len(letters):
            why = failures[0].str() if failures else "no answer in time"
            raise RedeliveryError(
                f"{len(letters) - len(stand)} of {len(letters)} letters were not acknowledged "
                f"({why}); they still wait, so replay them again."
            )
        return stand

    def discard(self, letters: Iterable[Letter], reason: str) -> None:
        """Let letters rest; they stay on their topic, and out of the list."""
        with self._database.begin() as connection:
            for letter in letters:
                self._settle(connection, letter.number, "discarded", reason)

    def _require_deliverable(self, letter: Letter, *, force: bool) -> None:
        try:
            self.decoded(letter)
        except UndecodableError as error:
            origin = letter.origin
            known = origin and origin.topic in {topic.name for topic in EVENT_TOPICS}
            if not (force and known):
                advice = "; mend what reads it, discard it, or use --force" if known else ""
                message = f"Letter {letter.number} cannot be applied: {error}{advice}."
                raise RedeliveryError(message) from None

    def _send(self, letters: Iterable[Letter]) -> tuple[dict[int, Origin], list[KafkaError]]:
        producer = Producer(
            configuration(self._settings, SECONDS) | {"message.max.bytes": LARGEST_RECORD}
        )
        stand: dict[int, Origin] = {}
        failures: list[KafkaError] = []
        for letter in letters:

            def delivered(
                error: KafkaError | None, message: Message, number: int = letter.number
            ) -> None:
                if error is not None:
                    failures.append(error)
                else:
                    stand[number] = Origin(
                        str(message.topic()), int(message.partition() or 0), message.offset() or 0
                    )

            assert letter.origin
            producer.produce(
                letter.origin.topic,
                value=letter.value,
                key=letter.key,
                headers=list(letter.headers),
                on_delivery=delivered,
                # A record without a key would go anywhere, so it goes where it was.
                partition=letter.origin.partition if letter.key is None else BY_KEY,
            )
        producer.flush(2 * SECONDS)
        return stand, failures

    def _settle(self, connection: Connection, number: int, outcome: State, reason: str) -> None:
        row = {"topic_id": self._topic_id, "letter": number, "outcome": outcome, "reason": reason}
        connection.execute(_SETTLE, row)
