"""From the log to files."""

from collections.abc import Iterable, Mapping
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
    """An export of these topics, up to where each partition ends now.

    Raises:
        LogFilesError: the folder is in use.
    """

    def __init__(self, settings: Settings, topics: Iterable[str], folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._log = LogOffsets(settings)
        _require_unused(folder)
        places = self._log.partitions_of(topics)
        bounds = self._log.bounds(places)
        self.spans: Mapping[TopicPartition, OffsetRange] = {
            place: OffsetRange(bounds[place].first, bounds[place].end) for place in places
        }

    @property
    def size(self) -> int:
        """How many offsets there are to read."""
        return sum(span.length for span in self.spans.values())

    def write(self, progress: Progress = lambda _: None) -> Manifest:
        """Write all files, then the manifest; `progress` gets the offsets passed.

        Raises:
            OSError: a file cannot be written.
            KafkaException: the log cannot be read.
        """
        schemas: set[int] = set()
        with ExitStack() as stack:
            writers = {
                place: stack.enter_context(closing(FrameWriter(self._folder / path_of(place))))
                for place in self.spans
            }
            for record in scan(self._settings, self.spans, progress):
                writers[record.topic_partition].write(record)
                value = record.value or b""
                if len(value) >= HEADER.size and value[0] == MAGIC:
                    schemas.add(HEADER.unpack_from(value)[1])
        parts = [self._part(place, writer.records) for place, writer in writers.items()]
        manifest = Manifest(
            format=FORMAT,
            made=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            cluster=self._log.cluster_id(),
            records=sum(part.records for part in parts),
            topics={topic: sum(it[0] == topic for it in self.spans) for topic, _ in self.spans},
            schemas=sorted(schemas),
            files=parts,
        )
        manifest.write(self._folder)
        return manifest

    def _part(self, place: TopicPartition, records: int) -> Part:
        path = self._folder / path_of(place)
        sync(path)
        return Part(
            path=path_of(place),
            topic=place[0],
            partition=place[1],
            first=self.spans[place].first,
            end=self.spans[place].end,
            records=records,
            bytes=path.stat().st_size,
            sha256=digest(path),
        )


def _require_unused(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LogFilesError(f"{folder} is in use; name a folder that is empty or does not exist.")
    folder.mkdir(parents=True, exist_ok=True)
