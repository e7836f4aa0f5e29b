"""Writes files to an empty log, and proves that both hold the same records."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from infra.kafka.client import create_producer
from infra.kafka.delivery import Delivery, Outgoing, send_each
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import LogRecord, OffsetRange, Progress, scan
from infra.kafka.topics import TopicSpec, apply
from infra.operations.log_export.manifest import LogFilesError, Manifest, checked
from infra.settings import Settings
from schemas.topics import TopicPartition

SECONDS = 60.0
PROGRESS_EVERY = 1_000
# A topic cannot be used twice: emptied, it keeps its offsets; made anew, it has another id, and its
# readers stop.
START_OVER = "start over with an empty cluster and database, such as a new data folder"


def restore(
    settings: Settings,
    topics: Iterable[TopicSpec],
    folder: Path,
    progress: Progress = lambda _: None,
) -> Manifest:
    """Write an export to a cluster whose event topics are empty; missing topics are created.

    Every record keeps its partition, key, value, headers and timestamp. Verify the files before;
    compare afterwards.

    Raises:
        LogFilesError: the log is not empty, its partitions differ, or it refused a record.
    """
    manifest = Manifest.read(folder)
    wanted = list(topics)
    _require_known(manifest, {topic.name for topic in wanted})
    apply(settings, wanted)
    _require_ready(manifest, LogOffsets(settings))
    _send(settings, _records(manifest, folder), progress)
    progress(manifest.records)
    return manifest


def compare(
    settings: Settings,
    folder: Path,
    progress: Progress = lambda _: None,
    *,
    grown: bool = False,
) -> Manifest:
    """Compare the log with an export: the same records in the same order, and no others.

    Offsets may differ: by a constant where the exported log did not begin at zero, and by the
    markers of transactions, which an import leaves out.

    Args:
        settings: The brokers.
        folder: Of the export.
        progress: Gets the offsets passed.
        grown: Whether further records may follow those of the export; they are ignored.

    Raises:
        LogFilesError: they differ; the message names the first difference.
    """
    manifest = Manifest.read(folder)
    ranges = _ranges(manifest, LogOffsets(settings), grown=grown)
    exported = {part.topic_partition: checked(folder, part) for part in manifest.files}
    for record in scan(settings, ranges, progress):
        expected = next(exported[record.topic_partition], None)
        if expected is None:
            if grown:
                continue
            raise LogFilesError(f"The log holds {record}, which is not in the export.")
        if record[3:] != expected[3:]:
            raise LogFilesError(f"{record} on the log differs from {expected} in the export.")
    _require_exhausted(exported)
    return manifest


def _send(
    settings: Settings, records: Iterable[LogRecord], progress: Progress = lambda _: None
) -> None:
    """Send records to the partitions that they name; every one must be acknowledged."""
    producer = create_producer(
        settings,
        {
            "linger.ms": 20,  # throughput counts here; no reader waits for a single record
            "message.max.bytes": 64 << 20,  # more than any topic takes: the broker decides
        },
        delivery_seconds=SECONDS,
    )
    outcomes = send_each(producer, records, _outgoing, SECONDS)
    for number, (_, outcome) in enumerate(outcomes):
        if not isinstance(outcome, Delivery):
            raise LogFilesError(f"Kafka did not take a record ({outcome}); {START_OVER}.")
        if number % PROGRESS_EVERY == 0:
            progress(number)


def _outgoing(record: LogRecord) -> Outgoing:
    return Outgoing(
        record.topic,
        record.key,
        record.value,
        list(record.headers),
        record.partition,
        record.timestamp,
    )


def _ranges(
    manifest: Manifest, log: LogOffsets, *, grown: bool
) -> dict[TopicPartition, OffsetRange]:
    """The range to compare of each partition."""
    bounds = log.bounds(log.partitions_of(manifest.topics))
    lengths = {part.topic_partition: part.end - part.first for part in manifest.files}
    if set(lengths) != set(bounds):
        raise LogFilesError("The log and the export have different partitions.")
    ends = {
        partition: min(bound.end, bound.first + lengths[partition]) if grown else bound.end
        for partition, bound in bounds.items()
    }
    return {at: OffsetRange(bound.first, ends[at]) for at, bound in bounds.items()}


def _records(manifest: Manifest, folder: Path) -> Iterator[LogRecord]:
    for part in manifest.files:
        yield from checked(folder, part)


def _require_known(manifest: Manifest, known: set[str]) -> None:
    for topic in manifest.topics:
        if topic not in known:
            raise LogFilesError(f"The export holds a topic {topic!r} that is unknown here.")


def _require_ready(manifest: Manifest, log: LogOffsets) -> None:
    partitions = log.partitions_of(manifest.topics)
    ends = log.ends(partitions)
    if total := sum(ends.values()):
        (fullest, _), _ = max(ends.items(), key=lambda item: item[1])
        raise LogFilesError(
            f"The log is not empty: {total} records are or were on it, most on {fullest}; "
            f"{START_OVER} and VERDICTS_DEMO=0."
        )
    numbers = Counter(topic for topic, _ in partitions)
    for topic, exported in manifest.topics.items():
        if numbers[topic] != exported:
            raise LogFilesError(
                f"{topic} has {numbers[topic]} partitions here and {exported} in the export; keys "
                f"would change their partition, so {START_OVER}, and make it with as many there."
            )


def _require_exhausted(exported: Mapping[TopicPartition, Iterator[LogRecord]]) -> None:
    for records in exported.values():
        if (missing := next(records, None)) is not None:
            raise LogFilesError(f"{missing} of the export is missing on the log.")
