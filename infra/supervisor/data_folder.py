"""The data folder of a system that runs here: who holds it, and what it tells about the run."""

import fcntl
import os
import secrets
import time
from pathlib import Path

import msgspec

from infra.embedded.errors import EmbeddedError
from infra.embedded.process import Identity, identify
from infra.embedded.secret_file import read_or_create, write_secret
from infra.settings import Settings

PREVIOUS_RUN_SECONDS = 20.0


class RunInfo(msgspec.Struct, frozen=True):
    """`run.json`: where a running system is to be found.

    Attributes:
        url: Address of the site and the API on this machine.
        kafka: Bootstrap servers.
        database: `postgresql://…` with its password.
        pids: The processes themselves, by service; none for a server that is not ours.
        postgres_home: Where the database's files lie.
        metrics: Where each service serves its metrics.
        public_url: Canonical address of its site.
    """

    url: str
    kafka: str
    database: str
    pids: dict[str, int | None]
    postgres_home: str | None = None
    public_url: str = ""
    metrics: dict[str, str] = {}


class DataFolder:
    """A data folder, made when it is missing."""

    def __init__(self, path: Path) -> None:
        """Make the folder.

        Raises:
            EmbeddedError: When that is not possible.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {path} cannot be made ({error.strerror}); "
                "choose another one with VERDICTS_DATA."
            ) from error

    def lock(self) -> int:
        """Take the folder for this run, and return the descriptor that holds its lock.

        The lock ends with the last process that has this descriptor open. After a run that was
        killed its guardian may still be ending servers, so such a lock is waited for.

        Raises:
            EmbeddedError: When another run holds the folder.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        deadline = time.monotonic() + PREVIOUS_RUN_SECONDS
        while not _locked(descriptor):
            holder = self._holder()
            if (holder and holder.process) or time.monotonic() > deadline:
                who = f" (pid {holder.pid})" if holder else ""
                raise EmbeddedError(
                    f"Another `verdicts up`{who} runs on {self.path}; stop it first, or choose "
                    "another folder with VERDICTS_DATA and another port with VERDICTS_PORT."
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(identify(os.getpid())), 0)
        return descriptor

    def keys(self, settings: Settings) -> Settings:
        """These settings with both keys: the given ones, else those that are kept here."""
        return msgspec.structs.replace(
            settings,
            secret_keys=settings.secret_keys or (self._key("secret.key"),),
            voter_key=settings.voter_key or self._key("voter.key"),
        )

    @property
    def token(self) -> Path:
        """`admin.token`, one bearer token with the role `admin`."""
        return self.path / "admin.token"

    def write_run(self, run: RunInfo) -> None:
        """Tell other programs where the system is; for the owner's eyes, as it holds a password."""
        write_secret(self._run, msgspec.json.format(msgspec.json.encode(run)).decode() + "\n")

    def read_run(self) -> RunInfo | None:
        """What the running system told, or None when none runs."""
        holder = self._holder()
        if not (holder and holder.process):
            return None
        try:
            return msgspec.json.decode(self._run.read_bytes(), type=RunInfo)
        except (OSError, msgspec.DecodeError):
            return None

    def forget_run(self) -> None:
        """Take `run.json` away when nothing runs any more."""
        self._run.unlink(missing_ok=True)

    @property
    def _run(self) -> Path:
        return self.path / "run.json"

    def _key(self, name: str) -> str:
        return read_or_create(self.path / name, secrets.token_urlsafe(32))

    def _holder(self) -> Identity | None:
        try:
            return msgspec.json.decode((self.path / "lock").read_bytes(), type=Identity)
        except (OSError, msgspec.DecodeError):
            return None


def attached(settings: Settings, *, kafka: bool = True) -> Settings:
    """Settings that reach the system that runs on this data folder, where none is given.

    So `verdicts tokens list` beside a running `verdicts up` needs no further settings. Without
    `kafka`, the address of a database is enough.

    Raises:
        EmbeddedError: When no address is given and nothing runs here.
    """
    if settings.database_url and (settings.kafka or not kafka):
        return settings
    run = DataFolder(settings.data).read_run() if settings.data.exists() else None
    if run is None:
        raise EmbeddedError(
            f"Nothing runs on {settings.data}; start it with `verdicts up`, or set "
            f"{'KAFKA_BOOTSTRAP_SERVERS and ' if kafka else ''}DATABASE_URL."
        )
    found = msgspec.structs.replace(
        settings,
        kafka=settings.kafka or run.kafka,
        database_url=settings.database_url or run.database,
        public_url=run.public_url or settings.public_url,  # the pages here are that site's
    )
    return DataFolder(settings.data).keys(found)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
