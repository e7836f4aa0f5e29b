"""The data folder of a local system: its lock, its keys, `run.json` and `kafka.properties`."""

import fcntl
import os
import secrets
import time
from pathlib import Path

import msgspec

from infra.embedded.errors import EmbeddedError
from infra.embedded.private_file import PRIVATE_MODE, make_private, read_or_create, write_private
from infra.embedded.process import Identity, identify
from infra.kafka.client import connection, security_of
from infra.setting_values import require_key
from infra.settings import Settings

PREVIOUS_RUN_SECONDS = 20.0
FOLDER_MODE, ENTERABLE_MODE = 0o700, 0o711
_SECRETS = (
    "admin.token",
    "secret.key",
    "voter.key",
    "postgres.password",
    "run.json",
    "kafka.properties",
)


class RunInfo(msgspec.Struct, frozen=True):
    """`run.json`: how to reach a running system.

    Attributes:
        url: URL of the site and the API on this machine.
        kafka: Bootstrap servers.
        database: `postgresql://…` with its password.
        pids: Pid by service; None for an external server.
        postgres_home: Folder of the database's files.
        metrics: URL of each service's metrics.
        public_url: Canonical URL of the site.
    """

    url: str
    kafka: str
    database: str
    pids: dict[str, int | None]
    postgres_home: str | None = None
    public_url: str = ""
    metrics: dict[str, str] = {}


class DataFolder:
    """A data folder; a missing one is created."""

    def __init__(self, path: Path) -> None:
        """Create the folder if it is missing.

        Raises:
            EmbeddedError: The folder cannot be created.
        """
        self.path = path
        try:
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {path} cannot be created ({error.strerror}); "
                "choose another one with VERDICTS_DATA."
            ) from error

    def make_private(self) -> list[str]:
        """Take folder, secrets and logs from other users; return a line per change to read.

        Embedded PostgreSQL of root runs as another user. A cluster of an older release inside the
        folder stays reachable: mode 0711 lets that user enter, and hides the names of files.
        """
        mode = ENTERABLE_MODE if self._holds_cluster_of_another_user() else FOLDER_MODE
        lines = []
        if make_private(self.path, mode):
            lines.append(f"{self.path} was open to other users; its mode is now {mode:04o}.")
        readable = [name for name in _SECRETS if make_private(self.path / name, PRIVATE_MODE)]
        lines += [
            f"{self.path / name} was readable for others; its mode is now 0600."
            for name in readable
        ]
        for file in (self.path / "logs").glob("*.log"):
            make_private(file, PRIVATE_MODE)
        return lines

    def _holds_cluster_of_another_user(self) -> bool:
        try:
            return (self.path / "postgres" / "PG_VERSION").stat().st_uid != os.geteuid()
        except OSError:
            return False

    def lock(self) -> int:
        """Lock the folder for this run, and return the descriptor of the lock.

        The lock ends when the last process with this descriptor closes it. The guardian of a
        killed run may still be ending servers, so a lock without a living owner is awaited.

        Raises:
            EmbeddedError: Another run has locked the folder.
        """
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_MODE)
        deadline = time.monotonic() + PREVIOUS_RUN_SECONDS
        while not _try_lock(descriptor):
            owner = self._lock_owner()
            if (owner and owner.process) or time.monotonic() > deadline:
                who = f" (pid {owner.pid})" if owner else ""
                raise EmbeddedError(
                    f"Another `verdicts up`{who} runs on {self.path}; stop it first, or choose "
                    "another folder with VERDICTS_DATA and another port with VERDICTS_PORT."
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(identify(os.getpid())), 0)
        return descriptor

    def with_keys(self, settings: Settings) -> Settings:
        """Return the settings with both keys; a missing key is read or created here.

        Raises:
            SettingsError: A key in the folder is short or a placeholder.
        """
        return msgspec.structs.replace(
            settings,
            secret_keys=settings.secret_keys or (self._read_or_create_key("secret.key"),),
            voter_key=settings.voter_key or self._read_or_create_key("voter.key"),
        )

    @property
    def token_file(self) -> Path:
        """`admin.token`, one bearer token with the role `admin`."""
        return self.path / "admin.token"

    def write_run(self, run: RunInfo) -> None:
        """Write `run.json` with mode 0600, because it contains a password."""
        write_private(self._run_file, msgspec.json.format(msgspec.json.encode(run)).decode() + "\n")

    def write_kafka_properties(self, settings: Settings) -> None:
        """Write `kafka.properties`, one property of librdkafka per line, with mode 0600."""
        lines = [f"{name}={value}\n" for name, value in connection(settings).items()]
        if not self._kafka_file.exists() or self._kafka_file.read_text() != "".join(lines):
            write_private(self._kafka_file, "".join(lines))

    def read_kafka_security(self) -> dict[str, str]:
        """Return the properties of `kafka.properties` beside the address; none without the file."""
        try:
            lines = self._kafka_file.read_text().splitlines()
        except FileNotFoundError:
            return {}
        return security_of(dict(line.partition("=")[::2] for line in lines))

    def read_run(self) -> RunInfo | None:
        """Return the `run.json` of the running system; None if none runs."""
        owner = self._lock_owner()
        if not (owner and owner.process):
            return None
        try:
            return msgspec.json.decode(self._run_file.read_bytes(), type=RunInfo)
        except (OSError, msgspec.DecodeError):
            return None

    def remove_run(self) -> None:
        """Delete `run.json`."""
        self._run_file.unlink(missing_ok=True)

    @property
    def _kafka_file(self) -> Path:
        return self.path / "kafka.properties"

    @property
    def _run_file(self) -> Path:
        return self.path / "run.json"

    def _read_or_create_key(self, name: str) -> str:
        key = read_or_create(self.path / name, secrets.token_urlsafe(32))
        require_key(str(self.path / name), key)
        return key

    def _lock_owner(self) -> Identity | None:
        try:
            return msgspec.json.decode((self.path / "lock").read_bytes(), type=Identity)
        except (OSError, msgspec.DecodeError):
            return None


def attach(settings: Settings, *, kafka: bool = True) -> Settings:
    """Complete settings without addresses from the system that runs on the data folder.

    Beside a running `verdicts up`, commands such as `verdicts tokens list` need no settings.
    Without `kafka`, the address of a database is enough.

    Raises:
        EmbeddedError: An address is missing and no system runs on the data folder.
    """
    if settings.database_url and (settings.kafka or not kafka):
        return settings
    run = DataFolder(settings.data).read_run() if settings.data.exists() else None
    if run is None:
        raise EmbeddedError(
            f"Nothing runs on {settings.data}; start it with `verdicts up`, or set "
            f"{'KAFKA_BOOTSTRAP_SERVERS and ' if kafka else ''}DATABASE_URL."
        )
    folder = DataFolder(settings.data)
    security = settings.kafka_security if settings.kafka else folder.read_kafka_security()
    running = msgspec.structs.replace(
        settings,
        kafka=settings.kafka or run.kafka,
        kafka_security=security,
        database_url=settings.database_url or run.database,
        public_url=run.public_url or settings.public_url,  # commands here print URLs of that site
    )
    return folder.with_keys(running)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
