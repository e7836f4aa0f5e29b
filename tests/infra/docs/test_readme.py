import inspect
import re
from pathlib import Path

import click
import pytest

from infra.settings import VARIABLES, Variable
from schemas.events import EVENT_TYPES
from schemas.topics import TOPICS, Topic
from tests.harness.commands import all_commands

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def rows_that_begin(name: str) -> list[str]:
    return [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_every_setting_stands_there_with_its_default_and_meaning(variable: Variable) -> None:
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


@pytest.mark.parametrize(("words", "command"), all_commands().items())
def test_every_command_stands_there_with_the_first_line_of_its_help(
    words: str, command: click.Command
) -> None:
    first, *_ = inspect.cleandoc(command.help or "").splitlines()
    meaning = f"{first[0].lower()}{first[1:].rstrip('.')}"
    assert rows_that_begin(words) == [f"| `{words}` | {meaning} |"]


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


def test_every_make_target_that_it_names_exists() -> None:
    named = set(re.findall(r"^make (\w+)", README, re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"up", "check", "test", "faults", "bench"} <= named <= targets
