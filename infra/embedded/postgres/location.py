"""Where an embedded PostgreSQL keeps its files, and the system user that runs it.

PostgreSQL refuses to run as root. Root runs it as `nobody`, which must reach the programs and the
data folder. A private home such as `/root` stays private: permissions of folders that are not ours
never change. Files that `nobody` cannot reach go under `/var/lib/verdicts` instead. Such a cluster
and its data folder share an id, so that the cluster of a deleted data folder is never used for a
new data folder with the same path.
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
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from infra.embedded.environment import server_environment
from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres.programs import copy_programs, find_programs
from infra.embedded.private_file import write_private

OUTSIDE = Path("/var/lib/verdicts")
DATA_FOLDER_LINK = "postgres.json"
"""In a data folder whose database lies outside: the same content as `bound.json` there."""
BACK_LINK = "bound.json"


class ServerUser(NamedTuple):
    """The system user that runs a server."""

    uid: int
    gid: int

    @property
    def options(self) -> dict[str, object]:
        """Options of `subprocess.Popen` that start a child as this user without further groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class PostgresLocation(NamedTuple):
    """Where PostgreSQL can run.

    Attributes:
        cluster: Folder of the cluster.
        programs: Folder of `initdb` and `postgres`.
        user: Runs them; None for the user of this process.
    """

    cluster: Path
    programs: Path
    user: ServerUser | None


def locate(
    data: Path, outside: Path = OUTSIDE, programs: Callable[[], Path] = find_programs
) -> PostgresLocation:
    """Return the location of a data folder's cluster; a missing folder is created.

    Args:
        data: The data folder.
        outside: Base folder for what the server's user cannot reach elsewhere.
        programs: Finds the folder of `initdb` and `postgres`.

    Raises:
        EmbeddedError: The cluster exists but its user cannot reach it any more.
    """
    folder = programs()
    if os.geteuid() != 0:
        return PostgresLocation(data / "postgres", folder, None)
    user = _server_user(data / "postgres")
    if not _succeeds(user, str(folder / "postgres"), "--version"):
        folder = copy_programs(folder, _writable_base(outside))
    cluster = _cluster_inside(data, user) or _cluster_outside(data, user, _writable_base(outside))
    return PostgresLocation(cluster, folder, user)


def _server_user(cluster: Path) -> ServerUser:
    """Return the owner of an existing cluster, else `nobody`."""
    with contextlib.suppress(FileNotFoundError):
        status = (cluster / "PG_VERSION").stat()
        if status.st_uid:
            return ServerUser(status.st_uid, status.st_gid)
    with contextlib.suppress(KeyError):
        nobody = pwd.getpwnam("nobody")
        return ServerUser(nobody.pw_uid, nobody.pw_gid)
    return ServerUser(65534, 65534)


def _succeeds(user: ServerUser, *command: str) -> bool:
    """Run a command as a user, and return whether it succeeds."""
    try:
        completed = subprocess.run(  # type: ignore[call-overload]
            command,
            cwd="/",
            env=server_environment(os.environ),
            capture_output=True,
            check=False,
            **user.options,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(completed.returncode == 0)


def _can_enter(user: ServerUser, folder: Path) -> bool:
    return _succeeds(user, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder))


def outside_folder(data: Path) -> Path | None:
    """Return the folder outside the data folder that holds its database, if there is one."""
    try:
        link = _read_json(data / DATA_FOLDER_LINK)
    except OSError:
        return None
    folder = link.get("home") if isinstance(link, dict) else None
    return Path(folder) if isinstance(folder, str) else None


def _cluster_inside(data: Path, user: ServerUser) -> Path | None:
    """Return the cluster's folder inside the data folder, if its user can enter it."""
    if (data / DATA_FOLDER_LINK).exists():
        return None
    cluster = data / "postgres"
    _create_folder(cluster, user)
    if _can_enter(user, cluster):
        return cluster
    if (cluster / "PG_VERSION").exists():
        raise EmbeddedError(
            f"The database in {cluster} cannot be reached any more by the user that runs it; "
            "restore the permissions of the folders above it."
        )
    cluster.rmdir()
    return None


def _cluster_outside(data: Path, user: ServerUser, base: Path) -> Path:
    """Return the cluster's folder outside, bound to this data folder and to no other."""
    folder = base / hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    link, back_link = data / DATA_FOLDER_LINK, folder / BACK_LINK
    _bring_along(link, folder)
    if not (link.exists() and _read_json(link) == _read_json(back_link)):
        if folder.is_symlink() or (folder.exists() and folder.stat().st_uid != os.geteuid()):
            raise EmbeddedError(f"{folder} belongs to another user; remove it and start again.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o755)
        _bind(link, folder, secrets.token_hex(16))
    _create_folder(folder / "cluster", user)
    return folder / "cluster"


def _bring_along(link: Path, folder: Path) -> None:
    """Rename the cluster's folder of a data folder that was moved: its former path is gone."""
    binding = _read_json(link)
    if not isinstance(binding, dict) or Path(binding["data"]).exists():
        return
    former = Path(binding["home"])
    bound = former.parent == folder.parent and _read_json(former / BACK_LINK) == binding
    if bound and former != folder and not folder.exists():
        former.rename(folder)
        _bind(link, folder, binding["id"])


def _bind(link: Path, folder: Path, identity: str) -> None:
    """Write the same binding into the data folder and into the cluster's folder."""
    binding = {"data": str(link.parent.resolve()), "home": str(folder), "id": identity}
    write_private(folder / BACK_LINK, json.dumps(binding))
    write_private(link, json.dumps(binding))


def _create_folder(cluster: Path, user: ServerUser) -> None:
    """Create a folder that only the user can enter; an existing one stays unchanged."""
    with contextlib.suppress(FileExistsError):
        cluster.mkdir(mode=0o700)
        os.chown(cluster, user.uid, user.gid)


def _writable_base(outside: Path) -> Path:
    """Return `outside`, or a temporary folder if `outside` is not writable."""
    for base in (outside, Path(tempfile.gettempdir()) / "verdicts"):
        with contextlib.suppress(OSError):
            base.mkdir(mode=0o755, parents=True, exist_ok=True)
            if base.stat().st_uid == os.geteuid():
                tempfile.TemporaryFile(dir=base).close()
                return base
    raise EmbeddedError(f"PostgreSQL cannot run in a private home; make {outside} writable.")


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
