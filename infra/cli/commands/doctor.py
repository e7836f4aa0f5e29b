"""`verdicts doctor`: checks this installation."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from infra.cli.doctor.finding import Finding, fail
from infra.cli.doctor.run import examine, of_machine
from infra.cli.options import answer, as_json, counted, read_settings
from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres.location import outside_folder
from infra.settings import Settings
from infra.supervisor.data_folder import DataFolder, attach

_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check this installation and say what to fix.

    Looks at the machine, the broker and its topics, the database and its migrations, stored
    offsets, clocks, keys, tokens and mail with its DNS records. Changes nothing. The exit status is
    1 when a check fails.

    \b
    verdicts doctor
    verdicts doctor --json | jq '.findings[] | select(.verdict != "ok")'
    """
    findings = list(_findings())
    counts = {
        verdict: sum(finding.verdict == verdict for finding in findings) for verdict in _SIGNS
    }
    text = "\n".join([*map(_line, findings), "", _summary(counts)])
    answer({"findings": findings, "counts": counts}, as_json, text)
    sys.exit(1 if counts["fail"] else 0)


def _findings() -> Iterator[Finding]:
    own = read_settings()
    embedded = not (own.kafka or own.database_url)
    folders = _database_folders(own)
    try:
        running = attach(own)
    except EmbeddedError:
        yield from of_machine(own, embedded=embedded, homes=folders)
        yield fail("system", f"Nothing runs on {own.data}.", "Start it: verdicts up")
        return
    yield from examine(running, embedded=embedded, homes=folders)


def _database_folders(settings: Settings) -> list[Path]:
    """Return where the embedded database keeps its files: from `run.json`, or as last noted."""
    if settings.database_url or not settings.data.exists():
        return []
    if run := DataFolder(settings.data).read_run():
        return [Path(run.postgres_home)] if run.postgres_home else []
    folder = outside_folder(settings.data)
    return [folder] if folder else []


def _line(finding: Finding) -> str:
    sign, colour = _SIGNS[finding.verdict]
    first = f"{click.style(sign, fg=colour)} {finding.check:<18} {finding.says}"
    return f"{first}\n{'':<20} → {finding.do}" if finding.do else first


def _summary(counts: dict[str, int]) -> str:
    failures, warnings = counts["fail"], counts["warn"]
    if failures:
        return f"{counted(failures, 'check')} failed, with {counted(warnings, 'warning')}."
    if warnings:
        return f"Everything works, with {counted(warnings, 'warning')}."
    return "All checks pass."
