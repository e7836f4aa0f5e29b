"""Writes the log to files."""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

from infra.kafka.codec import HEADER, MAGIC
from infra.kafka.offsets import LogOffsets
from infra.kafka.reader import OffsetRange, Progress, scan
from infra.operations.log_export.frames import FrameWriter
from infra.operations.log_export.manifest import (
    FORMAT,
    LogFilesError,
    Manifest,
    Part,
    digest,
    path_of,
    sync,
)
from infra.settings import Settings
from schemas.topics import TopicPartition


class LogExport:
    """An export of these topics, up to the present end of each partition.

    Raises:
        LogFilesError: the folder is in use.
    """

    def __init__(self, settings: Settings, topics: Iterable[str], folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._log = LogOffsets(settings)
        _require_unused(folder)
        bounds = self._log.bounds(self._log.partitions_of(topics))
        self._ranges = {at: OffsetRange(bound.first, bound.end) for at, bound in bounds.items()}

    @property
    def size(self) -> int:
        """The number of offsets to read."""
        return sum(offsets.length for offsets in self._ranges.values())

    def write(self, progress: Progress = lambda _: None) -> Manifest:
        """Write all files, then the manifest; `progress` gets the offsets passed.

        Raises:
            OSError: a file cannot be written.
            KafkaException: the log cannot be read.
        """
        schemas: set[int] = set()
        with ExitStack() as stack:
            writers = {
                partition: stack.enter_context(
                    closing(FrameWriter(self._folder / path_of(partition)))
                )
                for partition in self._ranges
            }
            for record in scan(self._settings, self._ranges, progress):
                writers[record.topic_partition].write(record)
                value = record.value or b""
                if len(value) >= HEADER.size and value[0] == MAGIC:
                    schemas.add(HEADER.unpack_from(value)[1])
        parts = [self._part(partition, writer.records) for partition, writer in writers.items()]
        manifest = Manifest(
            format=FORMAT,
            made=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            cluster=self._log.cluster_id(),
            records=sum(part.records for part in parts),
            topics=dict(Counter(topic for topic, _ in self._ranges)),
            schemas=sorted(schemas),
            files=parts,
        )
        manifest.write(self._folder)
        return manifest

    def _part(self, topic_partition: TopicPartition, records: int) -> Part:
        path = self._folder / path_of(topic_partition)
        sync(path)
        return Part(
            path=path_of(topic_partition),
            topic=topic_partition[0],
            partition=topic_partition[1],
            first=self._ranges[topic_partition].first,
            end=self._ranges[topic_partition].end,
            records=records,
            bytes=path.stat().st_size,
            sha256=digest(path),
        )


def _require_unused(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LogFilesError(f"{folder} is in use; name a folder that is empty or does not exist.")
    folder.mkdir(parents=True, exist_ok=True)
