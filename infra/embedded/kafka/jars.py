"""Kafka's jars, exactly as `jgo.lock.toml` names them, each checked against its SHA-256.

Reading the lock needs no resolving and, once the jars are in the cache, no network: the class path
is the lock's list. `python -m infra.embedded.kafka.jars` resolves `jgo.toml` anew and rewrites the
lock.
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
"""Told what is fetched, how many bytes of it are here, and how many there will be."""

More = Callable[[int], None]

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
        """Holds the hash, so that versions and locks can share one folder."""
        return f"{self.artifact_id}-{self.version}-{self.sha256[:12]}.{self.packaging}"

    def is_sound(self, path: Path) -> bool:
        """Whether that file is there and is this one."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def class_path(fallback: Path, progress: Progress, lock: Path = LOCK) -> list[Path]:
    """The jars of a lock, downloaded where the cache lacks them.

    Args:
        fallback: Folder that takes the jars when the user's cache cannot be written.
        progress: Called from several threads while jars arrive.
        lock: A lock file of jgo.

    Raises:
        EmbeddedError: When a jar can neither be found nor fetched, or is not what the lock says.
    """
    wanted = msgspec.convert(tomllib.loads(lock.read_text())["dependencies"], list[Jar])
    folder = cache_folder(fallback) / "jars"
    missing = [jar for jar in wanted if not jar.is_sound(folder / jar.file_name)]
    if missing:
        _fetch(missing, folder, progress)
    return [folder / jar.file_name for jar in wanted]


def cache_folder(fallback: Path) -> Path:
    """`verdicts` in the user's cache folder, or `fallback/cache` where that cannot be written."""
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
    """Fetch into a folder of its own first, so that no half jar is ever seen under its name."""
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
                    "again, and if that does not help see what stands between here and Maven."
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
    """Let downloads trust what this machine trusts: many a company has an authority of its own.

    The library under jgo brings a list of its own, and takes another one only from a variable.
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


def _counter(progress: Progress) -> Callable[[str, int], AbstractContextManager[More]]:
    """Progress in the form that jgo asks for: a context manager per file."""

    @contextmanager
    def file(name: str, total: int) -> Iterator[More]:
        here = 0

        def more(count: int) -> None:
            nonlocal here
            here += count
            progress(name, here, total)

        yield more

    return file


def _jgo() -> ModuleType:
    """The library, imported only where something must be fetched: it is large, and warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jgo.env
        import jgo.maven
    return jgo


def relock(spec: Path = SPEC, lock: Path = LOCK) -> int:
    """Resolve `spec` anew, write its lock, and return how many jars it names."""
    jgo = _jgo()
    with tempfile.TemporaryDirectory() as scratch:
        context = jgo.maven.MavenContext(repo_cache=Path(scratch) / "maven", local_repos=[])
        builder = jgo.env.EnvironmentBuilder(context, cache_dir=Path(scratch) / "jgo")
        resolved = builder.resolve_lockfile(jgo.env.EnvironmentSpec.load(spec))
    resolved.save(lock)
    return len(resolved.dependencies)


if __name__ == "__main__":
    sys.stdout.write(f"{LOCK.name}: {relock()} jars\n")
