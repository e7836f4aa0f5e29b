"""`verdicts content diff` and `preview`: what a push would change."""

import sys
from pathlib import Path

import click

from infra.cli.commands.content import rendering
from infra.cli.commands.content.effects import effect_lines, find_effects
from infra.cli.commands.content.options import (
    REASON,
    base_option,
    digests_in,
    exit_2_on_failure,
    folder_argument,
    now,
    remove_option,
    require_no_errors,
    url_option,
)
from infra.cli.commands.content.preview_site import make_preview, serving
from infra.cli.commands.content.site.folder import ContentFolder
from infra.cli.commands.content.site.pushing import compare, events_of
from infra.cli.commands.content.site.site_client import open_site
from infra.cli.loopback_server import port_option, show_until_interrupt
from infra.cli.options import answer, as_json, attached_settings, read_settings
from infra.postgres.engine import create_engine


@click.command()
@folder_argument
@url_option
@base_option
@remove_option
@as_json
@exit_2_on_failure
def diff(folder: Path, url: str | None, base: Path | None, remove: bool, as_json: bool) -> None:
    """Say what a push would send, and what readers would see of it.

    Exit status 1: there are differences.

    \b
    verdicts content diff site
    verdicts content diff site --json | jq -r '.effects.verdicts[]'
    """
    client = open_site(read_settings(), url, None)
    comparison = compare(ContentFolder(folder), client, digests_in(base), now())
    require_no_errors(comparison.checked.errors, as_json)
    steps, _ = events_of(comparison, now(), REASON, remove=remove)
    effects = find_effects(comparison.site, steps, client.url)
    lines = [
        *(line for step in comparison.plan for line in rendering.step_lines(step, remove=remove)),
        *effect_lines(effects),
    ]
    value = {"steps": list(map(rendering.step_json, comparison.plan)), "effects": effects}
    answer(value, as_json, "\n".join(lines) or "The files say what the site shows.")
    sys.exit(1 if comparison.plan else 0)


@click.command()
@folder_argument
@remove_option
@port_option
@click.option("--list", "only_list", is_flag=True, help="Name the pages and serve none.")
@as_json
@exit_2_on_failure
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
    target, moment = ContentFolder(folder), now()
    comparison = compare(target, client, None, moment)
    require_no_errors(comparison.checked.errors, as_json)
    _, events = events_of(comparison, moment, REASON, remove=remove)
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
        show_until_interrupt(f"Preview ({counts})", address, as_json)
