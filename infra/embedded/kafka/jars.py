"""Kafka's jars as `jgo.lock.toml` names them, each verified by its SHA-256.

The lock lists the class path, so a start resolves nothing, and needs no network once the jars are
in the cache. `python -m infra.embedded.kafka.jars` resolves `jgo.toml` again and rewrites the lock.
"""

import hashlib
import os
import shutil
import ssl
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType

import msgspec

from infra.embedded.errors import EmbeddedError

SPEC = Path(__file__).with_name("jgo.toml")
LOCK = Path(__file__).with_name("jgo.lock.toml")

Progress = Callable[[str, int, int], None]
"""Called with a file's name, its bytes received so far, and its size in bytes."""

AddBytes = Callable[[int], None]

_TRUST = "REQUESTS_CA_BUNDLE"


class Jar(msgspec.Struct, frozen=True, rename="camel"):
    """One locked file: its Maven coordinates and its hash."""

    group_id: str
    artifact_id: str
    version: str
    sha256: str
    packaging: str = "jar"
    classifier: str = ""

    @property
    def file_name(self) -> str:
        """Name in the cache. It contains the hash, so versions can share one folder."""
        return f"{self.artifact_id}-{self.version}-{self.sha256[:12]}.{self.packaging}"

    def is_sound(self, path: Path) -> bool:
        """Return whether the file exists and has the locked hash."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def class_path(fallback: Path, progress: Progress, lock: Path = LOCK) -> list[Path]:
    """Return the jars of a lock file; jars that the cache lacks are downloaded.

    Args:
        fallback: Folder for the jars if the user's cache is not writable.
        progress: Called from several threads while jars arrive.
        lock: A lock file of jgo.

    Raises:
        EmbeddedError: A jar cannot be downloaded, or differs from the locked one.
    """
    wanted = msgspec.convert(tomllib.loads(lock.read_text())["dependencies"], list[Jar])
    folder = cache_folder(fallback) / "jars"
    missing = [jar for jar in wanted if not jar.is_sound(folder / jar.file_name)]
    if missing:
        _fetch(missing, folder, progress)
    return [folder / jar.file_name for jar in wanted]


def cache_folder(fallback: Path) -> Path:
    """Return `verdicts` in the user's cache folder, or `fallback/cache` if that is not writable."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(base).expanduser() / "verdicts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):
        folder = fallback / "cache"
        folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute()


def _fetch(missing: list[Jar], folder: Path, progress: Progress) -> None:
    """Download jars to a staging folder, then move each complete file to its name."""
    maven = _jgo().maven
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as staging:
        resolver = maven.PythonResolver(progress_callback=_counter(progress))
        context = maven.MavenContext(resolver, Path(staging), local_repos=[], timeout=30)

        def fetch(jar: Jar) -> None:
            component = context.project(jar.group_id, jar.artifact_id).at_version(jar.version)
            fetched = component.artifact(jar.classifier, jar.packaging).resolve()
            if not jar.is_sound(fetched):
                raise EmbeddedError(
                    f"{fetched.name} was downloaded but is not the file that the lock names; try "
                    "again, and if that does not help, check the proxies between here and Maven."
                )
            shutil.move(fetched, folder / jar.file_name)

        try:
            with _trusted_by_the_system(), ThreadPoolExecutor(6) as pool:
                list(pool.map(fetch, missing))
        except (OSError, RuntimeError) as error:
            raise EmbeddedError(
                f"{len(missing)} files of Kafka could not be downloaded "
                f"({type(error).__name__}); connect this machine to the network once, "
                "or set KAFKA_BOOTSTRAP_SERVERS to a running Kafka."
            ) from error


@contextmanager
def _trusted_by_the_system() -> Iterator[None]:
    """Let downloads trust the certificate authorities of this machine, such as a company's own.

    `requests`, which jgo uses, has its own list; only a variable replaces it.
    """
    paths = ssl.get_default_verify_paths()
    system = paths.cafile or paths.openssl_cafile
    if _TRUST in os.environ or not (system and Path(system).exists()):
        yield
        return
    os.environ[_TRUST] = system
    try:
        yield
    finally:
        del os.environ[_TRUST]


def _counter(progress: Progress) -> Callable[[str, int], AbstractContextManager[AddBytes]]:
    """Adapt `progress` to jgo: a context manager per file that yields a byte counter."""

    @contextmanager
    def file(name: str, total: int) -> Iterator[AddBytes]:
        received = 0

        def add(count: int) -> None:
            nonlocal received
            received += count
            progress(name, received, total)

        yield add

    return file


def _jgo() -> ModuleType:
    """Import jgo only when something must be downloaded: it is large, and it warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jgo.env
        import jgo.maven
    return jgo


def relock(spec: Path = SPEC, lock: Path = LOCK) -> int:
    """Resolve `spec` again, write its lock file, and return the number of jars."""
    jgo = _jgo()
    with tempfile.TemporaryDirectory() as scratch:
        context = jgo.maven.MavenContext(repo_cache=Path(scratch) / "maven", local_repos=[])
        builder = jgo.env.EnvironmentBuilder(context, cache_dir=Path(scratch) / "jgo")
        resolved = builder.resolve_lockfile(jgo.env.EnvironmentSpec.load(spec))
    resolved.save(lock)
    return len(resolved.dependencies)


if __name__ == "__main__":
    sys.stdout.write(f"{LOCK.name}: {relock()} jars\n")
