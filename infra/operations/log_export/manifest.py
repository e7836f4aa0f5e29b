"""The manifest of an export: its files, and their checksums."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec

from infra.errors import VerdictsError
from infra.kafka.reader import LogRecord, Progress
from infra.operations.log_export.frames import DamagedError, frames
from schemas.topics import TopicPartition

FORMAT = "verdicts-log/1"
NAME = "manifest.json"


class LogFilesError(VerdictsError):
    """An export or import cannot be done; the message is one sentence that says why."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The file of one partition: offsets from `first` up to, not including, `end`.

    The log may have gaps, so `records` may be less than their difference. `sha256` is the file's.
    """

    path: str
    topic: str
    partition: int
    first: int
    end: int
    records: int
    bytes: int
    sha256: str

    @property
    def topic_partition(self) -> TopicPartition:
        """Its topic and partition."""
        return self.topic, self.partition


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of an export.

    Attributes:
        format: Version of this format.
        made: Time of the export, as RFC 3339.
        cluster: Id of the exported Kafka cluster.
        records: Number of all records.
        topics: Number of partitions by topic.
        schemas: Ids of the schemas that values name.
        files: One per partition, also for an empty one.
    """

    format: str
    made: str
    cluster: str
    records: int
    topics: dict[str, int]
    schemas: list[int]
    files: list[Part]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of an export.

        Raises:
            LogFilesError: there is no manifest, or it is malformed.
        """
        try:
            manifest = msgspec.json.decode((folder / NAME).read_bytes(), type=cls)
        except FileNotFoundError:
            raise LogFilesError(
                f"{folder} holds no export: {NAME} is missing; it is written last, after all files."
            ) from None
        except msgspec.DecodeError as error:
            raise LogFilesError(f"{folder / NAME} is no manifest: {error}.") from None
        if manifest.format != FORMAT:
            raise LogFilesError(f"{folder} has format {manifest.format!r}; this reads {FORMAT!r}.")
        for part in manifest.files:
            if part.path != path_of(part.topic_partition) or part.topic not in manifest.topics:
                raise LogFilesError(f"{folder / NAME} names a file {part.path!r} that is not ours.")
        return manifest

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all, after the names of all files are synced to disk."""
        for inner in {(folder / part.path).parent for part in self.files}:
            sync(inner)
        new = folder / f"{NAME}.new"
        new.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        sync(new)
        sync(folder)
        new.replace(folder / NAME)
        sync(folder)


def sync(path: Path) -> None:
    """Sync a file or folder to disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def path_of(topic_partition: TopicPartition) -> str:
    """The path of a partition's file within the folder."""
    topic, partition = topic_partition
    return f"{topic}/{partition:03}.log.gz"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path, progress: Progress = lambda _: None) -> Manifest:
    """Read every file of an export again; `progress` gets the number of records read.

    Raises:
        LogFilesError: the export is incomplete, or was changed.
    """
    manifest = Manifest.read(folder)
    count = 0
    for part in manifest.files:
        for _ in checked(folder, part):
            count += 1
            if count % 1000 == 0:
                progress(count)
    progress(count)
    return manifest


def checked(folder: Path, part: Part) -> Iterator[LogRecord]:
    """The records of one file, checked against the manifest.

    Raises:
        LogFilesError: the file is missing, damaged, or differs from the manifest.
    """
    path = folder / part.path
    try:
        if digest(path) != part.sha256:
            raise LogFilesError(f"{path} was changed since the export: its SHA-256 differs.")
        number, last = 0, part.first - 1
        for record in frames(path, part.topic_partition):
            if not last < record.offset < part.end:
                raise LogFilesError(f"{path} holds offset {record.offset} after {last}.")
            number, last = number + 1, record.offset
            yield record
    except (DamagedError, FileNotFoundError) as error:
        raise LogFilesError(f"The export is not whole: {error}") from error
    if number != part.records:
        raise LogFilesError(f"{path} holds {number} records, not {part.records}.")
