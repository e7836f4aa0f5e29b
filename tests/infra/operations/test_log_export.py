import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.kafka.reader import LogRecord
from infra.operations.log_export.frames import (
    MAGIC,
    DamagedError,
    FrameWriter,
    frames,
    packed,
    unpacked,
)
from infra.operations.log_export.manifest import (
    FORMAT,
    LogFilesError,
    Manifest,
    Part,
    digest,
    path_of,
    verify,
)

PLACE = ("verdicts.votes.v1", 3)
some_bytes = st.none() | st.binary(max_size=30)
some_headers = st.lists(st.tuples(st.text(max_size=9), some_bytes), max_size=3).map(tuple)


def a_record(offset: int, value: bytes | None = b"value") -> LogRecord:
    return LogRecord(*PLACE, offset, 1_795_000_000_000 + offset, b"v-1", value, (("ce_id", b"01"),))


@given(st.integers(0, 2**62), st.integers(-1, 2**62), some_bytes, some_bytes, some_headers)
def test_every_record_comes_back_as_it_was(
    offset: int,
    timestamp: int,
    key: bytes | None,
    value: bytes | None,
    headers: tuple[tuple[str, bytes | None], ...],
) -> None:
    record = LogRecord(*PLACE, offset, timestamp, key, value, headers)
    assert unpacked(packed(record), PLACE) == record


def write(folder: Path, records: list[LogRecord]) -> Path:
    path = folder / path_of(PLACE)
    writer = FrameWriter(path)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def test_the_same_records_give_the_same_file(tmp_path: Path) -> None:
    records = [a_record(offset) for offset in range(100)]
    first, other = write(tmp_path / "one", records), write(tmp_path / "other", records)
    assert first.read_bytes() == other.read_bytes()
    assert list(frames(first, PLACE)) == records


def test_a_file_that_ends_early_is_damaged_wherever_it_ends(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(offset) for offset in range(3)])
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            list(frames(path, PLACE))


def test_a_changed_byte_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, [a_record(0), a_record(1)])
    plain = gzip.decompress(path.read_bytes())
    for at in range(len(plain)):
        changed = bytearray(plain)
        changed[at] ^= 0x40
        path.write_bytes(gzip.compress(changed))
        with pytest.raises(DamagedError):
            list(frames(path, PLACE))


def test_a_file_without_its_magic_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "some.log.gz"
    path.write_bytes(gzip.compress(MAGIC[:-1] + b"2"))
    with pytest.raises(DamagedError, match="is no file of a log"):
        list(frames(path, PLACE))


def an_export(folder: Path, written: list[LogRecord], **differing: int | str) -> None:
    path = write(folder, written)
    part: dict[str, int | str] = {
        "path": path_of(PLACE), "topic": PLACE[0], "partition": PLACE[1], "first": 0,
        "end": len(written), "records": len(written), "bytes": path.stat().st_size,
        "sha256": digest(path), **differing,
    }  # fmt: skip
    Manifest(
        format=FORMAT,
        made="2026-11-20T12:00:00Z",
        cluster="c",
        records=len(written),
        topics={PLACE[0]: 12},
        schemas=[],
        files=[Part(**part)],  # type: ignore[arg-type]
    ).write(folder)


def test_an_export_verifies_as_it_was_written(tmp_path: Path) -> None:
    an_export(tmp_path, [a_record(0), a_record(1)])
    assert verify(tmp_path).records == 2


@pytest.mark.parametrize(
    ("differing", "reason"),
    [
        ({"sha256": "0"}, "its SHA-256 differs"),
        ({"records": 3}, "holds 2 records, not 3"),
        ({"end": 1}, "holds offset 1"),
        ({"first": 1}, "holds offset 0"),
        ({"path": "../passwords"}, "is not ours"),
    ],
)
def test_an_export_that_is_not_what_its_manifest_says_is_refused(
    tmp_path: Path, differing: dict[str, int | str], reason: str
) -> None:
    an_export(tmp_path, [a_record(0), a_record(1)], **differing)
    with pytest.raises(LogFilesError, match=reason):
        verify(tmp_path)


def test_the_disk_holds_all_of_an_export_before_it_has_a_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []

    def note(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, (tmp_path / "manifest.json").exists()))

    monkeypatch.setattr(os, "fsync", note)
    an_export(tmp_path, [a_record(0)])
    of_topic, manifest, folder = (
        path.stat().st_ino for path in (tmp_path / PLACE[0], tmp_path / "manifest.json", tmp_path)
    )
    assert synced == [(of_topic, False), (manifest, False), (folder, False), (folder, True)]


def test_records_out_of_order_are_refused(tmp_path: Path) -> None:
    an_export(tmp_path, [a_record(1), a_record(0)])
    with pytest.raises(LogFilesError, match="holds offset 0 after 1"):
        verify(tmp_path)


def test_a_folder_without_a_manifest_is_no_export(tmp_path: Path) -> None:
    write(tmp_path, [a_record(0)])
    with pytest.raises(LogFilesError, match="it is written last"):
        verify(tmp_path)


def test_another_format_is_refused(tmp_path: Path) -> None:
    an_export(tmp_path, [])
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace(FORMAT, "verdicts-log/9"))
    with pytest.raises(LogFilesError, match="verdicts-log/9"):
        verify(tmp_path)
