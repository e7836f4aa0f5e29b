"""What several verbs of the command line share."""

import os
from collections.abc import Callable
from typing import Any

import click
import msgspec

from infra.settings import Settings

as_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON, for programs."
)


def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment(os.environ)


def attached_settings() -> Settings:
    """The settings of this process, or of the system that runs on its data folder."""
    from infra.supervisor.data_folder import attached

    return attached(settings())


def answer(value: object, as_json: bool, text: str) -> None:
    """Print `value` for a program, or `text` for a person."""
    click.echo(msgspec.json.encode(value).decode() if as_json else text)
