"""What the commands of `verdicts content` share: options, exit statuses, the clock."""

import functools
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from infra.cli.commands.content.site.folder import read_base
from infra.cli.options import answer, counted
from infra.errors import VerdictsError
from streams.content_files.model import FileProblem

REASON = "Removed from the site's content."

Command = Callable[..., None]
Decorator = Callable[[Any], Any]


class NotUsable(click.ClickException):
    """The command could not do its part: exit status 2."""

    exit_code = 2


def exit_2_on_failure(command: Command) -> Command:
    """Exit with status 2 where the command fails for a reason that is not in the content."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except VerdictsError as error:
            raise NotUsable(str(error)) from error

    return run


folder_argument: Decorator = click.argument(
    "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path)
)
url_option: Decorator = click.option(
    "--url", metavar="URL", help="Address of the site; else the one that runs here."
)
token_option: Decorator = click.option(
    "--token",
    metavar="TOKEN",
    envvar="VERDICTS_TOKEN",
    help="A token with the role editor; better given in VERDICTS_TOKEN.",
)
base_option: Decorator = click.option(
    "--base",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The content as of the last push, for what DIR does not remember.",
)
remove_option: Decorator = click.option(
    "--remove", is_flag=True, help="Retire tools and retract reviews whose files are gone."
)


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def digests_in(base: Path | None) -> Mapping[str, str] | None:
    """Digests of the content as of the last push, by path, where its folder is given."""
    return read_base(base) if base else None


def require_no_errors(errors: list[FileProblem], as_json: bool) -> None:
    """End with status 1 where files cannot be sent."""
    if errors:
        last = f"Correct {counted(len(errors), 'error')} first; nothing was done."
        answer({"problems": errors}, as_json, "\n".join([*map(str, errors), last]))
        sys.exit(1)
