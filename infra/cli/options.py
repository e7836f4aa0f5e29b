"""What several commands share: settings, `--json`, answers, and counted nouns."""

import os
from collections.abc import Callable
from typing import Any

import click
import msgspec

from infra.settings import Settings
from infra.supervisor.data_folder import attach

as_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Answer in JSON, for programs."
)


def read_settings() -> Settings:
    """Return the settings of this process."""
    return Settings.from_environment(os.environ)


def attached_settings(*, kafka: bool = True) -> Settings:
    """Return the settings of this process, completed from the system on its data folder.

    Without `kafka`, the address of a database is enough.
    """
    return attach(read_settings(), kafka=kafka)


def answer(value: object, as_json: bool, text: str) -> None:
    """Print `value` for a program, or `text` for a person."""
    click.echo(msgspec.json.encode(value).decode() if as_json else text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 event`, `2,500 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
