"""`verdicts theme`: start a theme, and check that every page renders with it."""

import sys
from pathlib import Path

import click

from infra.cli.options import answer, as_json, attached_settings, counted
from infra.cli.progress_bar import progress_bar
from infra.errors import VerdictsError
from infra.postgres.engine import create_engine
from publishers.build.render_check import RenderFailure, check, render_checks
from publishers.content.database_content import open_snapshot
from publishers.content.site_content import SiteContent
from publishers.templating import theme as themes
from publishers.templating.new_theme import write_new_theme


@click.group()
def theme() -> None:
    """Start and check a theme: the site's own name and look.

    A theme is a folder, named by VERDICTS_THEME. Each of its files wins over ours of that name.

    \b
    verdicts theme init ./theme
    VERDICTS_THEME=./theme verdicts up
    """


@theme.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a theme to start from into a new or empty folder.

    \b
    verdicts theme init ./theme
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise VerdictsError(f"{folder} is not empty; give a new folder.")
    for file in write_new_theme(folder):
        click.echo(file)
    click.echo(f"Change these files, then run: verdicts theme check {folder}")


@theme.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def check_(folder: Path, as_json: bool) -> None:
    """Render every page of the running site with a theme; exit status 1 if one fails.

    Nothing is written.

    \b
    verdicts theme check ./theme
    verdicts theme check ./theme --json | jq -r '.failures[].page'
    """
    settings = attached_settings(kafka=False)
    with themes.using(themes.load(folder)):
        database = create_engine(settings, name="verdicts theme", pool_size=1)
        try:
            with open_snapshot(database) as content:
                rendered, failures = _render_all(content, settings.public_url)
        finally:
            database.dispose()
    lines = [f"{failure.page}: {failure.template}: {failure.reason}" for failure in failures]
    lines.append(f"{counted(rendered, 'page')} rendered, {counted(len(failures), 'failure')}.")
    values = {"rendered": rendered, "failures": [failure._asdict() for failure in failures]}
    answer(values, as_json, "\n".join(lines))
    sys.exit(1 if failures else 0)


def _render_all(content: SiteContent, public_url: str) -> tuple[int, list[RenderFailure]]:
    """Render everything, and return how much that was and what failed."""
    checks = list(render_checks(content, public_url))
    failures = []
    with progress_bar("Rendering", len(checks)) as progress:
        for done, (name, render) in enumerate(checks, 1):
            if failure := check(name, render, themes.current()):
                failures.append(failure)
            progress(done)
    return len(checks), failures
