"""The page for operators cannot lie about commands, settings, metrics and files."""

import re
from pathlib import Path

from infra.settings import VARIABLES
from infra.telemetry.metrics import names
from tests.harness.commands import all_commands

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "infra" / "docs" / "operating.md").read_text()


def test_every_command_on_it_exists() -> None:
    written = set(re.findall(r"(?:`|    |=0 |new )(verdicts [a-z]+(?: [a-z]+)?)", PAGE))
    assert len(written) > 10
    known = all_commands()
    assert {
        command
        for command in written
        if command not in known and command.rpartition(" ")[0] not in known
    } == set()


def test_every_setting_on_it_exists() -> None:
    written = set(re.findall(r"\b(?:VERDICTS|KAFKA|OTEL)_[A-Z0-9_]+|\bDATABASE_URL", PAGE))
    exact = {variable.name for variable in VARIABLES}
    wild = tuple(name[:-1] for name in exact if name.endswith("*"))
    assert {name for name in written if name not in exact and not name.startswith(wild)} == set()


def test_every_metric_on_it_exists() -> None:
    assert set(re.findall(r"verdicts_[a-z_]+", PAGE)) <= set(names())


def test_every_file_on_it_exists() -> None:
    for path in re.findall(r"infra/[\w./-]+", PAGE):
        assert (ROOT / path.rstrip(".")).exists(), path
