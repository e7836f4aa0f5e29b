"""The commands of `verdicts content`."""

import functools
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from infra.cli.commands.content import words
from infra.cli.commands.content.effects import find_effects
from infra.cli.commands.content.folder import ContentFolder, read_base
from infra.cli.commands.content.preview import make_preview, serving
from infra.cli.commands.content.pulling import pull as pull_files
from infra.cli.commands.content.pushing import Push, compare, events_of
from infra.cli.commands.content.site_client import open_site
from infra.cli.options import answer, as_json, attached_settings, counted, read_settings
from infra.errors import VerdictsError
from infra.postgres.engine import create_engine
from streams.content_files.model import FileProblem
from streams.content_files.plan import Step

_REASON = "Removed from the site's content."

Command = Callable[..., None]


class NotUsable(click.ClickException):
    """The command could not do its part: exit status 2."""

    exit_code = 2


def _usable(command: Command) -> Command:
    """Exit with status 2 where the command fails for a reason that is not in the content."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except VerdictsError as error:
            raise NotUsable(str(error)) from error

    return run


folder_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path)
)
url_option = click.option(
    "--url", metavar="URL", help="Address of the site; else the one that runs here."
)
token_option = click.option(
    "--token",
    metavar="TOKEN",
    envvar="VERDICTS_TOKEN",
    help="A token with the role editor; better given in VERDICTS_TOKEN.",
)
base_option = click.option(
    "--base",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The content as of the last push; else DIR remembers it.",
)
remove_option = click.option(
    "--remove", is_flag=True, help="Retire tools and retract reviews whose files are gone."
)


@click.group()
def content() -> None:
    """Keep categories, tools, reviewers and reviews as Markdown files.

    A file has front matter in YAML, whose keys are the fields of the events, and the description or
    review below: categories/{slug}.md, tools/{slug}.md, reviewers/{slug}.md and
    reviews/{tool}/{reviewer}.md. `draft: true` keeps a file home, and `publish:` with a time until
    then.

    \b
    verdicts content pull site      write the site's content to files
    verdicts content check site     find errors; needs no server
    verdicts content diff site      say what a push would change
    verdicts content preview site   look at the pages before
    verdicts content push site      send what differs
    """


@content.command()
@folder_argument
@url_option
@click.option("--force", is_flag=True, help="The site wins where both have changed.")
@as_json
@_usable
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
            lines += words.version_lines(update.path, update.site, update.local)
    conflicts = [update.path for update in updates if update.action == "conflict"]
    if conflicts:
        lines.append(
            f"{counted(len(conflicts), 'file')} and the site have both changed. Edit, then "
            "`verdicts content push --force`; or take the site's: `verdicts content pull --force`."
        )
    value = [{"path": update.path, "action": update.action} for update in updates]
    answer(value, as_json, "\n".join(lines) or "The files say what the site shows.")
    sys.exit(1 if conflicts else 0)


@content.command()
@folder_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines, JSON, or annotations of GitHub.",
)
@as_json
@_usable
def check(folder: Path, form: str, as_json: bool) -> None:
    """Find everything that is wrong in the files; needs no server.

    Exit status 1: there is something to correct.

    \b
    verdicts content check site
    verdicts content check site --format github
    """
    checked = ContentFolder(folder).check()
    if form == "github":
        prefix = f"{folder.as_posix()}/" if folder != Path() else ""
        click.echo(
            "\n".join(words.github_lines(checked.problems, prefix)), nl=bool(checked.problems)
        )
    else:
        lines = [*map(str, checked.problems), _summary(len(checked.files), checked.problems)]
        answer(checked.problems, as_json or form == "json", "\n".join(lines))
    sys.exit(1 if checked.problems else 0)


@content.command()
@folder_argument
@url_option
@base_option
@remove_option
@as_json
@_usable
def diff(folder: Path, url: str | None, base: Path | None, remove: bool, as_json: bool) -> None:
    """Say what a push would send, and what readers would see of it.

    Exit status 1: there are differences.

    \b
    verdicts content diff site
    verdicts content diff site --json | jq -r '.effects.verdicts[]'
    """
    client = open_site(read_settings(), url, None)
    comparison = compare(ContentFolder(folder), client, _read_base(base), _now())
    _require_no_errors(comparison.checked.errors)
    steps, _ = events_of(comparison, _now(), _REASON, remove=remove)
    effects = find_effects(comparison.site, steps, client.url)
    lines = [
        *(line for step in comparison.plan for line in words.step_lines(step, remove=remove)),
        *words.effect_lines(effects),
    ]
    value = {"steps": list(map(words.step_json, comparison.plan)), "effects": effects}
    answer(value, as_json, "\n".join(lines) or "The files say what the site shows.")
    sys.exit(1 if comparison.plan else 0)


@content.command()
@folder_argument
@remove_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="On which to serve; 0: a free one."
)
@click.option("--list", "only_list", is_flag=True, help="Name the pages and serve none.")
@as_json
@_usable
def preview(folder: Path, remove: bool, port: int, only_list: bool, as_json: bool) -> None:
    """Serve the pages as a push would leave them, on this machine alone.

    Needs the database, so run it where `verdicts up` runs or with DATABASE_URL. The pages have the
    bytes that a push within the hour publishes, votes in between aside. Ctrl-C ends it.

    \b
    verdicts content preview site
    verdicts content preview site --port 8099
    """
    settings = attached_settings(kafka=False)
    client = open_site(read_settings(), None, None)
    target, now = ContentFolder(folder), _now()
    comparison = compare(target, client, None, now)
    _require_no_errors(comparison.checked.errors)
    _, events = events_of(comparison, now, _REASON, remove=remove)
    target.write_state(comparison.state)
    database = create_engine(settings, name="verdicts content", pool_size=1)
    try:
        made = make_preview(database, [event.event for event in events], settings.public_url)
    finally:
        database.dispose()
    pages = made.differences
    if only_list:
        marked = {"new": pages.appear, "changed": pages.change, "gone": pages.go}
        lines = [f"{mark} {path}" for mark, paths in marked.items() for path in paths]
        answer(marked, as_json, "\n".join(lines) or "No page differs.")
        return
    with serving(made, settings, port) as address:
        counts = f"{len(pages.appear)} new, {len(pages.change)} changed, {len(pages.go)} gone"
        answer({"url": address}, as_json, f"Preview ({counts}): {address}")
        _wait_for_interrupt()


@content.command()
@folder_argument
@url_option
@token_option
@base_option
@remove_option
@click.option("--reason", default=_REASON, show_default=True, help="Of what --remove takes back.")
@click.option("--force", is_flag=True, help="The files win where both have changed.")
@click.option(
    "--dry-run", is_flag=True, help="Ask the site whether it would accept, and write nothing."
)
@as_json
@_usable
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
    target, now = ContentFolder(folder), _now()
    client = open_site(read_settings(), url, token)
    comparison = compare(target, client, _read_base(base), now)
    _require_no_errors(comparison.checked.errors)
    if force:
        comparison.plan = list(map(_ours, comparison.plan))
    if conflicts := [step for step in comparison.plan if step.action == "conflict"]:
        _show_conflicts(conflicts, as_json)
    steps, events = events_of(comparison, now, reason, remove=remove)
    if dry_run:
        results = client.send(events, dry_run=True)
    else:
        results = Push(target, client).send(comparison.state, steps, events)
    lines = [
        line for step in comparison.plan for line in list(words.step_lines(step, remove=remove))[:1]
    ]
    rejected = list(_result_lines([event.path for event in events], results))
    failed = any(result["status"] != "accepted" for result in results)
    if not dry_run and not failed:
        Push(target, client).wait_for_pages(steps)
    verb = "would be sent" if dry_run else "sent"
    lines += [*rejected, f"{counted(len(events), 'event')} {verb}."]
    value = {"steps": list(map(words.step_json, comparison.plan)), "results": results}
    answer(value, as_json, "\n".join(lines))
    sys.exit(1 if failed else 0)


def _now() -> int:
    return time.time_ns() // 1000


def _read_base(base: Path | None) -> Mapping[str, str] | None:
    return read_base(base) if base else None


def _require_no_errors(errors: list[FileProblem]) -> None:
    if errors:
        click.echo("\n".join(map(str, errors)))
        click.echo(f"Correct {counted(len(errors), 'error')} first; nothing was done.")
        sys.exit(1)


def _show_conflicts(conflicts: Iterable[Step], as_json: bool) -> None:
    """Show both versions of every file in conflict, and end."""
    steps = list(conflicts)
    lines = [line for step in steps for line in words.conflict_lines(step)]
    lines.append(
        f"{counted(len(steps), 'file')} in conflict; nothing was sent. Take over what the site "
        "says and push with --force, or give up your version: verdicts content pull --force"
    )
    answer({"conflicts": list(map(words.step_json, steps))}, as_json, "\n".join(lines))
    sys.exit(1)


def _ours(step: Step) -> Step:
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


def _summary(files: int, problems: list[FileProblem]) -> str:
    if not problems:
        return f"{counted(files, 'file')}, nothing to correct."
    errors = sum(problem.level == "error" for problem in problems)
    return f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}."


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo()
