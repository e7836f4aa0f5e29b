"""What operators do with dead letters: look at them, send them again, or let them rest.

Letters stay on their topic for ever. What became of each stands in `verdicts.settled_letters`,
keyed by the topic's id, so that a topic made anew starts with a clean slate. All copies of a letter
are settled with it, so that those that are not settled are those that wait.
"""

from collections.abc import Collection, Iterable, Iterator
from functools import partial

from confluent_kafka import KafkaError, Message, Producer
from sqlalchemy import Connection, Engine, text

from infra.errors import VerdictsError
from infra.kafka.codec import Codec, UndecodableError
from infra.kafka.offsets import LogOffsets
from infra.kafka.producer import configuration
from infra.kafka.reader import OffsetRange, Progress, scan
from infra.settings import Settings
from schemas.events import Event
from schemas.topics import DEAD_LETTERS, EVENT_TOPICS, LARGEST_RECORD, TopicPartition
from streams.deadletters.model import DeadLetter, Origin, Resolution, State, merge_copies, read

SECONDS = 10.0
BY_KEY = -1
TOPIC_NAMES = {topic.name for topic in EVENT_TOPICS}
PLACE: TopicPartition = (DEAD_LETTERS.name, 0)

_SETTLE = text(
    "insert into verdicts.settled_letters (topic_id, letter, outcome, reason)"
    " values (:topic_id, :letter, :outcome, :reason)"
    " on conflict (topic_id, letter) do update set"
    " outcome = excluded.outcome, reason = excluded.reason, at = excluded.at"
)
_SETTLED = text(
    "select letter, outcome, reason from verdicts.settled_letters where topic_id = :topic_id"
)


class ReplayError(VerdictsError):
    """A letter cannot be sent again; the message says why, and what can be done."""


class DeadLetterReplay:
    """Reads the dead letters of an installation and settles them.

    Lists hold letters without their values, since there may be many and each may be large; where
    a value is needed, it is read again.

    Args:
        settings: Where the log is.
        database: Where it stands what became of them.
        codec: Says whether a letter can be read now.
    """

    def __init__(self, settings: Settings, database: Engine, codec: Codec) -> None:
        self._settings = settings
        self._database = database
        self._codec = codec
        bounds = LogOffsets(settings).bounds([PLACE])[PLACE]
        self._topic_id = bounds.topic_id
        self._span = OffsetRange(bounds.first, bounds.end)

    def letters(self, progress: Progress = lambda _: None) -> list[DeadLetter]:
        """All cases without their values, in the order in which they were written."""
        with self._database.connect() as connection:
            rows = connection.execute(_SETTLED, {"topic_id": self._topic_id})
            settled = {row.letter: Resolution(row.outcome, row.reason) for row in rows}
        records = scan(self._settings, {PLACE: self._span}, progress)
        bare = (read(record._replace(value=None)) for record in records)
        return sorted(merge_copies(bare, settled), key=lambda it: it.number)

    @property
    def size(self) -> int:
        """How many letters there are to read."""
        return self._span.length

    def whole(self, letters: Collection[DeadLetter]) -> Iterator[DeadLetter]:
        """The same letters with their values, in the order in which they were written."""
        wanted = {letter.number for letter in letters}
        if wanted:
            span = OffsetRange(min(wanted), max(wanted) + 1)
            for record in scan(self._settings, {PLACE: span}):
                if record.offset in wanted:
                    yield read(record)

    def decoded(self, letter: DeadLetter) -> Event:
        """Read a whole letter's record again, as the system is now.

        Raises:
            UndecodableError: it still cannot be read.
        """
        if letter.origin is None:
            raise UndecodableError("its headers do not say from which topic it came")
        if letter.origin.topic not in TOPIC_NAMES:
            raise UndecodableError(f"{letter.origin.topic} is not a topic of events")
        return self._codec.decode(letter.origin.topic, letter.value)

    def replay(self, letters: Collection[DeadLetter], *, force: bool = False) -> dict[int, Origin]:
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
        for letter in self.whole(letters):
            self._require_deliverable(letter, force=force)
        outbound = _Outbound(self._settings)
        for letter in self.whole(letters):
            outbound.send(letter)
        outbound.finish()
        with self._database.begin() as connection:
            for letter in letters:
                if origin := outbound.stand.get(letter.number):
                    self._record_resolution(connection, letter, "replayed", f"now {origin}")
        if missing := len(letters) - len(outbound.stand):
            raise ReplayError(
                f"{missing} of {len(letters)} letters were not acknowledged "
                f"({outbound.failure}); they still wait, so replay them again."
            )
        return outbound.stand

    def discard(self, letters: Iterable[DeadLetter], reason: str) -> None:
        """Let letters rest; they stay on their topic, and out of the list."""
        with self._database.begin() as connection:
            for letter in letters:
                self._record_resolution(connection, letter, "discarded", reason)

    def _require_deliverable(self, letter: DeadLetter, *, force: bool) -> None:
        try:
            self.decoded(letter)
        except UndecodableError as error:
            known = letter.origin is not None and letter.origin.topic in TOPIC_NAMES
            if not (force and known):
                advice = "; mend what reads it, discard it, or use --force" if known else ""
                message = f"Letter {letter.number} cannot be applied: {error}{advice}."
                raise ReplayError(message) from None

    def _record_resolution(
        self, connection: Connection, letter: DeadLetter, outcome: State, reason: str
    ) -> None:
        said = {"topic_id": self._topic_id, "outcome": outcome, "reason": reason}
        rows = [{**said, "letter": number} for number in (letter.number, *letter.copies)]
        connection.execute(_SETTLE, rows)


class _Outbound:
    """Sends letters to the topics that they came from, and notes where each stands now."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            configuration(settings, SECONDS) | {"message.max.bytes": LARGEST_RECORD}
        )
        self.stand: dict[int, Origin] = {}
        self.failure = "no answer in time"

    def send(self, letter: DeadLetter) -> None:
        """Queue a letter, when there is room."""
        assert letter.origin
        while True:
            try:
                self._producer.produce(
                    letter.origin.topic,
                    value=letter.value,
                    key=letter.key,
                    headers=list(letter.headers),
                    on_delivery=partial(self._delivered, letter.number),
                    # A record without a key would go anywhere, so it goes where it was.
                    partition=letter.origin.partition if letter.key is None else BY_KEY,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def finish(self) -> None:
        """Wait until the broker has answered for everything, or has not for long."""
        self._producer.flush(2 * SECONDS)

    def _delivered(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failure = error.str()
        else:
            topic, partition = str(message.topic()), int(message.partition() or 0)
            self.stand[number] = Origin(topic, partition, int(message.offset() or 0))
