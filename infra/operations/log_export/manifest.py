"""The manifest of an export: what is in the folder, and how to tell that all of it is."""

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

    `records` is less than their difference where the log has gaps. `sha256` is that of the file.
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
    def place(self) -> TopicPartition:
        """Its topic and partition."""
        return self.topic, self.partition


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds.

    Attributes:
        format: Version of this format.
        made: When, as RFC 3339.
        cluster: Id of the Kafka cluster that it was taken from.
        records: How many there are in all.
        topics: Partitions of each topic.
        schemas: Ids of the schemas that values name.
        files: One per partition, empty ones too.
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
            LogFilesError: there is none, or it is not one of ours.
        """
        try:
            found = msgspec.json.decode((folder / NAME).read_bytes(), type=cls)
        except FileNotFoundError:
            raise LogFilesError(
                f"{folder} holds no export: {NAME} is missing; it is written last, when all the "
                "rest stands."
            ) from None
        except msgspec.DecodeError as error:
            raise LogFilesError(f"{folder / NAME} is no manifest: {error}.") from None
        if found.format != FORMAT:
            raise LogFilesError(f"{folder} has format {found.format!r}; this reads {FORMAT!r}.")
        for part in found.files:
            if part.path != path_of(part.place) or part.topic not in found.topics:
                raise LogFilesError(f"{folder / NAME} names a file {part.path!r} that is not ours.")
        return found

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all, once every file's name is as safe as what it holds."""
        for inner in {(folder / part.path).parent for part in self.files}:
            sync(inner)
        new = folder / f"{NAME}.new"
        new.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        sync(new)
        sync(folder)
        new.replace(folder / NAME)
        sync(folder)


def sync(path: Path) -> None:
    """Have the disk keep a file or folder as it is, also when the power goes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def path_of(place: TopicPartition) -> str:
    """Where the file of a partition stands within the folder."""
    return f"{place[0]}/{place[1]:03}.log.gz"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path, progress: Progress = lambda _: None) -> Manifest:
    """Read every file of an export again; `progress` gets the number of records read.

    Raises:
        LogFilesError: it is not whole, or not as it was written.
    """
    manifest = Manifest.read(folder)
    behind = 0
    for part in manifest.files:
        for _ in checked(folder, part):
            behind += 1
            if behind % 1000 == 0:
                progress(behind)
    progress(behind)
    return manifest


def checked(folder: Path, part: Part) -> Iterator[LogRecord]:
    """The records of one file, which must be the ones that the manifest means.

    Raises:
        LogFilesError: they are not.
    """
    path = folder / part.path
    try:
        if digest(path) != part.sha256:
            raise LogFilesError(f"{path} was changed since the export: its SHA-256 differs.")
        number, last = 0, part.first - 1
        for record in frames(path, part.place):
            if not last < record.offset < part.end:
                raise LogFilesError(f"{path} holds offset {record.offset} behind {last}.")
            number, last = number + 1, record.offset
            yield record
    except (DamagedError, FileNotFoundError) as error:
        raise LogFilesError(f"The export is not whole: {error}") from error
    if number != part.records:
        raise LogFilesError(f"{path} holds {number} records, not {part.records}.")
