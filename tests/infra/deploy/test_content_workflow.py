"""The workflow of a content repository calls what there is."""

import re
import shlex
from pathlib import Path

import click
import yaml

from tests.harness.commands import all_commands

FILE = Path(__file__).parents[3] / "infra/deploy/content/content.yml"
WORKFLOW = yaml.safe_load(FILE.read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
LINES = [
    line.strip()
    for step in STEPS
    for line in step.get("run", "").splitlines()
    if line.strip().startswith("verdicts ")
]


def test_every_command_and_option_exists() -> None:
    assert [line.split()[2] for line in LINES] == ["check", "diff", "push"]
    for line in LINES:
        words = shlex.split(re.split(r" [>|]", line)[0])
        command = all_commands()[" ".join(words[:3])]
        known = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= known
        context = click.Context(command)
        command.parse_args(context, [word.replace("../before", ".") for word in words[3:]])


def test_no_secret_reaches_a_pull_request() -> None:
    check = yaml.safe_dump(WORKFLOW["jobs"]["check"])
    assert "secrets." not in check
    assert "VERDICTS_TOKEN" in yaml.safe_dump(WORKFLOW["jobs"]["push"])


def test_no_expression_stands_in_a_script() -> None:
    """What others write, such as the name of a branch, would run as a command there."""
    assert not [step for step in STEPS if "${{" in step.get("run", "")]
