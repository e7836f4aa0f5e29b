"""`verdicts doctor`: what is wrong in this installation."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.cli.options import answer, as_json, settings
from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres.location import bound
from infra.settings import Settings
from infra.supervisor.data_folder import DataFolder, attached

if TYPE_CHECKING:
    from infra.operations.doctor.finding import Finding

_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Say what is wrong in this installation, and what to do about it.

    Looks at the machine, the broker and its topics, the database and its migrations, stored
    offsets, clocks, keys and tokens. Changes nothing. The exit status is 1 when something fails.

    \b
    verdicts doctor
    verdicts doctor --json | jq '.findings[] | select(.verdict != "ok")'
    """
    found = list(_findings())
    counts = {verdict: sum(it.verdict == verdict for it in found) for verdict in _SIGNS}
    text = "\n".join([*map(_line, found), "", _summary(counts)])
    answer({"findings": found, "counts": counts}, as_json, text)
    sys.exit(1 if counts["fail"] else 0)


def _findings() -> Iterator["Finding"]:
    from infra.operations.doctor.finding import fail
    from infra.operations.doctor.run import examine, of_machine

    its = settings()
    embedded = not (its.kafka or its.database_url)
    try:
        there = attached(its)
    except EmbeddedError:
        yield from of_machine(its, embedded=embedded, homes=_homes(its))
        yield fail("system", f"Nothing runs on {its.data}.", "Start it: verdicts up")
        return
    yield from examine(there, embedded=embedded, homes=_homes(its))


def _homes(its: Settings) -> list[Path]:
    """Where an embedded database keeps its files: as the run says, or as the last one noted it."""
    if its.database_url or not its.data.exists():
        return []
    if run := DataFolder(its.data).read_run():
        return [Path(run.postgres_home)] if run.postgres_home else []
    home = bound(its.data)
    return [home] if home else []


def _line(finding: "Finding") -> str:
    sign, colour = _SIGNS[finding.verdict]
    first = f"{click.style(sign, fg=colour)} {finding.check:<18} {finding.says}"
    return f"{first}\n{'':<20} → {finding.do}" if finding.do else first


def _summary(counts: dict[str, int]) -> str:
    if counts["fail"]:
        return f"{counts['fail']} checks fail, {counts['warn']} ask for attention."
    if counts["warn"]:
        return f"It works; {counts['warn']} checks ask for attention."
    return "All is well."
