import tomllib
from pathlib import Path

import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.kafka.jars import LOCK, SPEC, cache_folder, class_path
from infra.embedded.kafka.java import java, version


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def lock_of(folder: Path, content: bytes) -> Path:
    import hashlib

    lock = folder / "lock.toml"
    lock.write_text(
        '[[dependencies]]\ngroupId = "g"\nartifactId = "a"\nversion = "1"\npackaging = "jar"\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    return lock


def put(folder: Path, lock: Path, content: bytes) -> Path:
    sha256 = tomllib.loads(lock.read_text())["dependencies"][0]["sha256"]
    jar = folder / "cache" / "verdicts" / "jars" / f"a-1-{sha256[:12]}.jar"
    jar.parent.mkdir(parents=True, exist_ok=True)
    jar.write_bytes(content)
    return jar


def test_the_lock_holds_what_was_asked_for_with_a_hash_each() -> None:
    wanted = tomllib.loads(SPEC.read_text())["dependencies"]["coordinates"]
    locked = tomllib.loads(LOCK.read_text())["dependencies"]
    names = {f"{jar['groupId']}:{jar['artifactId']}:{jar['version']}" for jar in locked}
    assert set(wanted) <= names
    assert all(len(jar["sha256"]) == 64 for jar in locked)


def test_jars_that_are_here_need_no_network(offline: Path) -> None:
    lock = lock_of(offline, b"jar")
    jar = put(offline, lock, b"jar")
    assert class_path(offline, lambda *_: None, lock) == [jar]


@pytest.mark.parametrize("content", [None, b"torn"])
def test_a_missing_or_damaged_jar_without_network_is_one_sentence(
    offline: Path, content: bytes | None
) -> None:
    lock = lock_of(offline, b"jar")
    if content:
        put(offline, lock, content)
    with pytest.raises(EmbeddedError, match=r"could not be downloaded \(ProxyError\); connect"):
        class_path(offline, lambda *_: None, lock)


def test_a_cache_that_cannot_be_written_gives_way_to_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cache_folder(tmp_path / "data") == tmp_path / "data" / "cache"


def test_java_is_the_machines_own_only_when_it_is_new_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "bin" / "java"
    own.parent.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    for number, is_taken in (("11.0.2", False), ("1.8.0_292", False), ("17.0.1", True)):
        own.write_text(f"#!/bin/sh\necho 'openjdk version \"{number}\"' >&2\n")
        own.chmod(0o755)
        assert (java() == own) is is_taken, number


def test_a_java_home_without_java_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert version(java()) >= 17
