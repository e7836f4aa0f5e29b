"""`verdicts content pull` and `push`: content between files and site."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from infra.cli.commands.content import rendering
from infra.cli.commands.content.options import (
    REASON,
    base_option,
    digests_in,
    exit_2_on_failure,
    folder_argument,
    now,
    remove_option,
    require_no_errors,
    token_option,
    url_option,
)
from infra.cli.commands.content.site.folder import ContentFolder
from infra.cli.commands.content.site.pulling import pull as pull_files
from infra.cli.commands.content.site.pushing import Push, compare, events_of
from infra.cli.commands.content.site.site_client import open_site
from infra.cli.options import answer, as_json, counted, read_settings
from streams.content_files.push_plan import PlanStep


@click.command()
@folder_argument
@url_option
@click.option("--force", is_flag=True, help="The site wins where both have changed.")
@as_json
@exit_2_on_failure
def pull(folder: Path, url: str | None, force: bool, as_json: bool) -> None:
    """Write the site's content to files; edits that are not on the site stay.

    Exit status 1: a file and the site have both changed.

    \b
    verdicts content pull site
    verdicts content pull site --url https://verdicts.example
    """
    client = open_site(read_settings(), url, None)
    target = ContentFolder(folder)
    updates = pull_files(target, client.read(), target.read_state(client.url), force=force)
    names = {"write": "wrote", "delete": "deleted", "keep": "kept, for a push", "conflict": "!"}
    lines = []
    for update in updates:
        lines.append(f"{names[update.action]} {update.path}")
        if update.action == "conflict":
            lines += rendering.version_lines(update.path, update.site, update.local)
    conflicts = [update.path for update in updates if update.action == "conflict"]
    if conflicts:
        lines.append(
            f"{counted(len(conflicts), 'file')} and the site have both changed. Edit, then "
            "`verdicts content push --force`; or take the site's: `verdicts content pull --force`."
        )
    value = [{"path": update.path, "action": update.action} for update in updates]
    answer(value, as_json, "\n".join(lines) or "The files say what the site shows.")
    sys.exit(1 if conflicts else 0)


@click.command()
@folder_argument
@url_option
@token_option
@base_option
@remove_option
@click.option("--reason", default=REASON, show_default=True, help="Of what --remove takes back.")
@click.option("--force", is_flag=True, help="The files win where both have changed.")
@click.option(
    "--dry-run", is_flag=True, help="Ask the site whether it would accept, and write nothing."
)
@as_json
@exit_2_on_failure
def push(
    folder: Path,
    url: str | None,
    token: str | None,
    base: Path | None,
    remove: bool,
    reason: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send what differs, and wait until the pages show it.

    Repeating a push does no harm. Exit status 1: a file has errors or conflicts, or the site
    rejects an event; what is in order is sent all the same only where nothing conflicts.

    \b
    verdicts content push site --dry-run
    verdicts content push site
    VERDICTS_TOKEN=vdt_… verdicts content push site --url https://verdicts.example
    """
    target, moment = ContentFolder(folder), now()
    client = open_site(read_settings(), url, token)
    comparison = compare(target, client, digests_in(base), moment)
    require_no_errors(comparison.checked.errors, as_json)
    if force:
        comparison.plan = list(map(_ours, comparison.plan))
    if conflicts := [step for step in comparison.plan if step.action == "conflict"]:
        _show_conflicts(conflicts, as_json)
    steps, events = events_of(comparison, moment, reason, remove=remove)
    if dry_run:
        results = client.send(events, dry_run=True)
    else:
        results = Push(target, client).send(comparison.state, steps, events)
    lines = [
        line
        for step in comparison.plan
        for line in list(rendering.step_lines(step, remove=remove))[:1]
    ]
    rejected = list(_result_lines([event.path for event in events], results))
    failed = any(result["status"] != "accepted" for result in results)
    if not dry_run and not failed:
        Push(target, client).wait_for_pages(steps)
    verb = "would be sent" if dry_run else "sent"
    lines += [*rejected, f"{counted(len(events), 'event')} {verb}."]
    value = {"steps": list(map(rendering.step_json, comparison.plan)), "results": results}
    answer(value, as_json, "\n".join(lines))
    sys.exit(1 if failed else 0)


def _show_conflicts(conflicts: Iterable[PlanStep], as_json: bool) -> None:
    """Show both versions of every file in conflict, and end."""
    steps = list(conflicts)
    lines = [line for step in steps for line in rendering.conflict_lines(step)]
    lines.append(
        f"{counted(len(steps), 'file')} in conflict; nothing was sent. Take over what the site "
        "says and push with --force, or give up your version: verdicts content pull --force"
    )
    answer({"conflicts": list(map(rendering.step_json, steps))}, as_json, "\n".join(lines))
    sys.exit(1)


def _ours(step: PlanStep) -> PlanStep:
    """A conflict that the file wins."""
    if step.action != "conflict":
        return step
    action = "remove" if step.local is None else "change" if step.site else "add"
    return msgspec.structs.replace(step, action=action)


def _result_lines(paths: list[str], results: list[dict[str, Any]]) -> Iterable[str]:
    for path, result in zip(paths, results, strict=True):
        if result["status"] != "accepted":
            yield f"{path}: the site says: {result.get('detail', result['status'])}"
        for warning in result.get("warnings", ()):
            yield f"{path}: warning: {warning['detail']}"
