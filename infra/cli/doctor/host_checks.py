"""Judges this machine: disk, files and environments that hold secrets, keys."""

import os
import shutil
import stat
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from infra.cli.doctor.finding import Finding, fail, ok, several, warn
from infra.setting_values import LEAST_KEY_CHARACTERS

GIGABYTE = 1e9
LEAST_BYTES, COMFORTABLE_BYTES = 1 * GIGABYTE, 5 * GIGABYTE
LEAST_SHARE = 0.05
# Each lets its reader act as another user, or undo the pseudonyms of voters.
SECRETS = (
    "admin.token",
    "secret.key",
    "voter.key",
    "run.json",
    "kafka.properties",
    "postgres.password",
)


class Disk(msgspec.Struct, frozen=True):
    """Free and total space of the disk that holds `path`, in bytes."""

    path: str
    free: int
    total: int


class KeyHolder(msgspec.Struct, frozen=True):
    """A process: its pid, its name, and the name of its user."""

    pid: int
    name: str
    user: str


def disk(space: Disk) -> Finding:
    """Whether there is room for more events and pages."""
    says = (
        f"{space.free / GIGABYTE:.1f} GB are free of {space.total / GIGABYTE:.1f} in {space.path}."
    )
    do = "Make room: the log keeps every event, and a full disk stops broker and database."
    if space.free < LEAST_BYTES:
        return fail("disk", says, do)
    if space.free < COMFORTABLE_BYTES and space.free < LEAST_SHARE * space.total:
        return warn("disk", says, do)
    return ok("disk", says)


def permissions(modes: Mapping[str, int]) -> Finding:
    """Whether only their owner can read secrets; modes by file name."""
    open_ = sorted(name for name, mode in modes.items() if mode & (stat.S_IRWXG | stat.S_IRWXO))
    if open_:
        return fail(
            "permissions",
            f"{several(open_)} can be read by others on this machine.",
            f"Run: chmod 600 {' '.join(open_)} (in the data folder). Replace what others may "
            "have read, except the voters' key, which never changes.",
        )
    return ok("permissions", "Files with secrets are their owner's alone.")


def keys(*, secret_keys: tuple[str, ...], voter_key: str, external: bool) -> Finding:
    """Whether cookies and pseudonyms are safe, and the same for every replica."""
    if external and not (secret_keys and voter_key):
        return fail(
            "keys",
            "VERDICTS_SECRET_KEY or VERDICTS_VOTER_KEY is not set here.",
            "Set both as everywhere else: an external broker or database has several users.",
        )
    least = LEAST_KEY_CHARACTERS  # as of keys in the environment; these may be of the data folder
    if any(len(key) < least for key in (*secret_keys, voter_key) if key):
        return warn(
            "keys",
            f"A key is shorter than {least} characters.",
            "Use 32 random ones; VERDICTS_SECRET_KEY=new,old rotates, VERDICTS_VOTER_KEY never.",
        )
    return ok("keys", "Both keys are there.")


def foreign_environments(holders: Iterable[KeyHolder]) -> Finding:
    """Whether a process of another user carries one of our keys."""
    names = [f"{holder.name} (pid {holder.pid}) of {holder.user}" for holder in holders]
    if names:
        return fail(
            "environments",
            f"A key is in the environment of a process of another user: {several(names)}.",
            "That user can read it. Start the process without it, and replace VERDICTS_SECRET_KEY, "
            "with the new key alone; the voters' key never changes.",
        )
    return ok("environments", "No process of another user that can be looked at has our keys.")


def key_holders(keys: Collection[str]) -> list[KeyHolder]:
    """Processes of other users with one of these keys in their environment, as far as readable.

    Only root reads the environments of other users. Services of ours need the keys.
    """
    holders = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.uids().real == os.getuid() or _is_service(process):
                continue
            if any(_holds(value, keys) for value in process.environ().values()):
                holders.append(KeyHolder(process.pid, process.name(), process.username()))
    return holders


def _is_service(process: psutil.Process) -> bool:
    return any(Path(part).name in ("verdicts", "infra.cli") for part in process.cmdline())


def _holds(value: str, keys: Collection[str]) -> bool:
    return any(part.strip() in keys for part in value.split(","))


def disks(folders: Iterable[Path]) -> list[Disk]:
    """The disks of these folders, each once; a folder may be created later."""
    by_device: dict[int, Disk] = {}
    for folder in folders:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        usage = shutil.disk_usage(existing)
        disk = Disk(str(existing), usage.free, usage.total)
        by_device.setdefault(existing.stat().st_dev, disk)
    return list(by_device.values())


def modes(folder: Path) -> dict[str, int]:
    """The modes of existing files with secrets."""
    return {name: (folder / name).stat().st_mode for name in SECRETS if (folder / name).exists()}
