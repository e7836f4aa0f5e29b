"""Copies of this project with one safeguard taken out, and the outcome of their tests."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[3]
LENT = "VERDICTS_FAULTS_LENT"
_COPIED = ("infra", "projections", "publishers", "schemas", "streams", "tests")
_SECONDS = 240


class Servers(msgspec.Struct, frozen=True):
    """Running servers that a run of the tests in a copy may use."""

    postgres: str
    kafka: str
    proxied_kafka: str


class Safeguard(msgspec.Struct, frozen=True):
    """Something that must not be taken out, and the test that shows it."""

    name: str
    file: str
    taken_out: Mapping[str, str]
    test: str


def copy_without(safeguard: Safeguard, folder: Path) -> Path:
    """Copy the project, and replace the safeguard's lines by those without it."""
    folder.mkdir()
    for name in _COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / safeguard.file).write_text(text_without(safeguard))
    return folder


def text_without(safeguard: Safeguard) -> str:
    """The safeguard's file after its lines are replaced."""
    text = (ROOT / safeguard.file).read_text()
    for lines, replacement in safeguard.taken_out.items():
        assert text.count(lines) == 1, f"{safeguard.file} has no longer, or not once: {lines}"
        text = text.replace(lines, replacement)
    return text


def run_in(folder: Path, test: str, servers: Servers) -> subprocess.CompletedProcess[str]:
    """Run one test in a copy, on servers that run already."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
            *(f"tests/faults/{test}", "--timeout", str(_SECONDS)),
        ],
        cwd=folder,
        env={**os.environ, LENT: msgspec.json.encode(servers).decode()},
        capture_output=True,
        text=True,
        check=False,
    )
