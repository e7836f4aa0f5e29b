import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from infra.cli.main import verdicts
from infra.settings import VARIABLES
from schemas.events import EVENT_TYPES
from schemas.topics import TOPICS, Topic

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def rows_that_begin(name: str) -> list[str]:
    return [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]


def commands(group: click.Group, prefix: str = "verdicts") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        elif not command.hidden:
            yield f"{prefix} {name}"


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_setting_stands_there_with_its_default_and_meaning(variable: str) -> None:
    default = f"`{variable.default}`" if variable.default else ""
    assert rows_that_begin(variable.name) == [
        f"| `{variable.name}` | {default} | {variable.meaning} |"
    ]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_stands_there_with_its_partitions_and_key(topic: Topic) -> None:
    (row,) = rows_that_begin(topic.name)
    _, partitions, key, holds = [cell.strip(" `") for cell in row.strip("|").split("|")]
    assert (int(partitions), key) == (topic.partitions, topic.key)
    assert holds.startswith(topic.holds)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_every_event_type_stands_there_with_who_may_send_it(kind: str) -> None:
    (row,) = rows_that_begin(kind)
    role = EVENT_TYPES[kind].role
    assert row.endswith("| the workers alone |" if role == "system" else f"| {role} |")


@pytest.mark.parametrize("command", list(commands(verdicts)))
def test_every_command_stands_there(command: str) -> None:
    assert len(rows_that_begin(command)) == 1


@pytest.mark.parametrize("file", ["LICENSE", "CHANGELOG.md", "infra/docs/pictures/comparison.png"])
def test_what_it_shows_and_names_exists(file: str) -> None:
    assert file in README
    assert (ROOT / file).exists()


def test_every_folder_and_file_that_it_names_exists() -> None:
    named = re.findall(
        r"`((?:schemas|infra|projections|streams|publishers|tests)/[\w./]*)`", README
    )
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []
