"""`verdicts content check`: everything that is wrong in the files."""

import sys
from pathlib import Path

import click

from infra.cli.commands.content import rendering
from infra.cli.commands.content.options import exit_2_on_failure, folder_argument
from infra.cli.commands.content.site.folder import ContentFolder
from infra.cli.options import answer, as_json, counted
from streams.content_files.model import FileProblem


@click.command()
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
@exit_2_on_failure
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
            "\n".join(rendering.github_lines(checked.problems, prefix)), nl=bool(checked.problems)
        )
    else:
        lines = [*map(str, checked.problems), _summary(len(checked.files), checked.problems)]
        answer(checked.problems, as_json or form == "json", "\n".join(lines))
    sys.exit(1 if checked.problems else 0)


def _summary(files: int, problems: list[FileProblem]) -> str:
    if not problems:
        return f"{counted(files, 'file')}, nothing to correct."
    errors = sum(problem.level == "error" for problem in problems)
    return f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}."
