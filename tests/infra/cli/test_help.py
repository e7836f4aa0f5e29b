"""Who asks a command for help gets an example to copy."""

import inspect
import re

import click
import pytest

from infra.cli.main import verdicts


def helps(group: click.Group = verdicts, path: str = "verdicts") -> dict[str, str]:
    """The help of every command that does something, by what is typed for it."""
    found: dict[str, str] = {}
    for name, command in group.commands.items():
        words = f"{path} {name}"
        if isinstance(command, click.Group):
            found |= helps(command, words)
        else:
            found[words] = inspect.cleandoc(command.help or "")
    return found


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
