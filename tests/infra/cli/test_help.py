"""The help of every command, which shows an example to copy."""

import inspect
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from infra.cli.main import COMMANDS, verdicts
from tests.harness.commands import all_commands

SLOW = {"aiokafka", "confluent_kafka", "faust", "granian", "httpx", "psycopg", "sqlalchemy"}


def helps() -> dict[str, str]:
    """The help of every command that does something, by what is typed for it."""
    return {
        words: inspect.cleandoc(command.help or "") for words, command in all_commands().items()
    }


def has_example(words: str, text: str) -> bool:
    """Whether a line of its examples shows it as it is typed, settings before it or not."""
    _, _, examples = text.partition("\b\n")
    return bool(re.search(rf"^(?:[A-Z_]+=\S+ )*{words}(?= |$)", examples, re.MULTILINE))


@pytest.mark.parametrize("words", helps())
def test_every_command_shows_an_example_of_itself(words: str) -> None:
    assert has_example(words, helps()[words])


def test_an_example_is_a_line_with_the_command_itself() -> None:
    assert has_example("verdicts up", "Start.\n\n\b\nVERDICTS_PORT=80 verdicts up\n")
    assert not has_example("verdicts up", "Start it all with\nverdicts up")
    assert not has_example("verdicts up", "Start.\n\n\b\nverdicts status\nverdicts upwards\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_the_first_line_of_each_help(name: str) -> None:
    command = verdicts.get_command(click.Context(verdicts), name)
    assert command is not None
    first, *_ = inspect.cleandoc(command.help or "").splitlines()
    assert COMMANDS[name].summary == first


def test_the_list_of_commands_names_them_all() -> None:
    listing = CliRunner().invoke(verdicts, ["--help"]).output
    assert [name for name in COMMANDS if not re.search(rf"^  {name} ", listing, re.MULTILINE)] == []


def test_the_list_of_commands_imports_none_of_them() -> None:
    script = (
        "import sys; from infra.cli.main import verdicts; "
        "verdicts(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert SLOW & set(done.stdout.splitlines()[-1].split()) == set()
