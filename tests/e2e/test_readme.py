"""The commands of the README do what it shows, on a system with the demo."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.system import ROOT, VERDICTS, System
from tests.harness.examples import a_vote
from tests.harness.waiting import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("curl"), reason="the README's commands use curl"),
]


class Example(NamedTuple):
    """A command, and what the README shows below it."""

    command: str
    output: str


def examples(block: str) -> Iterator[Example]:
    """The commands of a console block; one goes on until the shell has a whole command."""
    lines = block.splitlines()
    while lines:
        command = lines.pop(0).removeprefix("$ ")
        while not is_whole(command):
            command += "\n" + lines.pop(0)
        output = list(takewhile(lambda line: not line.startswith("$ "), lines))
        del lines[: len(output)]
        yield Example(command, "\n".join(output))


def is_whole(command: str) -> bool:
    checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return checked.returncode == 0 and not checked.stderr and not command.endswith("\\")


README = (ROOT / "README.md").read_text()
BLOCKS = [[*examples(block)] for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)]
WATCHED = next(example for block in BLOCKS for example in block if "curl -sN" in example.command)


def shape(output: str) -> str:
    """An output without what is new in every run: ids, times and numbers."""
    output = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", output.strip())
    output = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", output)
    return re.sub(r"\d+", "N", output)


@pytest.fixture(scope="module")
def demo() -> Iterator[System]:
    """A system with the demo's tools, reviewers and votes."""
    system = System(VERDICTS_DEMO="1")
    try:
        system.start()
        yield system
    finally:
        system.remove()


def here(system: System, code: str) -> str:
    """Code of the README with this system's address and folder."""
    for written, own in (
        ("localhost:8080", f"127.0.0.1:{system.port}"),
        (".verdicts/", f"{system.data}/"),
        (".venv/bin/verdicts", str(VERDICTS)),
    ):
        code = code.replace(written, own)
    return code


def shell(system: System, command: str) -> "subprocess.Popen[str]":
    """Start a command of the README."""
    return start(system, "bash", "-c", here(system, command))


def start(system: System, *command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=system.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def assert_shown(system: System, before: str, example: Example) -> None:
    """Run a command until its output has the README's shape; what follows a kill takes seconds."""

    def output() -> str:
        return shape(shell(system, before + example.command).communicate(timeout=60)[0])

    shown = shape(example.output)
    wait_until(f"{example.command} shows {shown!r}", output, lambda seen: seen == shown)


@pytest.mark.parametrize(
    "number", [number for number, block in enumerate(BLOCKS) if WATCHED not in block]
)
def test_a_console_block_shows_what_the_commands_do(demo: System, number: int) -> None:
    assigned = ""
    for example in BLOCKS[number]:
        if re.match(r"[A-Z]+=", example.command):
            assigned += example.command + "\n"
        else:
            assert_shown(demo, assigned, example)


def test_what_changes_is_heard_while_it_changes(demo: System) -> None:
    """Runs behind the block that lists the tool."""
    listening = shell(demo, f"exec {WATCHED.command}")
    assert listening.stdout
    try:
        seen: list[str] = []
        for line in WATCHED.output.splitlines():
            seen.append(listening.stdout.readline().rstrip("\n"))
            if not line and sum(text.startswith("data:") for text in seen) == 1:
                demo.send(a_vote(tool="my-tool", voter="me"))
        assert shape("\n".join(seen)) == shape(WATCHED.output)
    finally:
        listening.kill()
        listening.wait()


def test_a_new_tool_has_its_page_and_comparisons(demo: System) -> None:
    demo.await_file("/tools/my-tool/", "My tool")
    pages = Path(demo.data, "site", "compare").glob("*my-tool*")
    assert len([*pages]) >= 2


def test_the_consumer_prints_all_records_and_each_that_changes(demo: System) -> None:
    """Runs behind the block that lists the tool; its 15 lines use what `make up` installs."""
    (consumer,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(consumer.splitlines()) <= 15
    reading = start(demo, sys.executable, "-c", here(demo, consumer))
    try:
        await_line(reading, "tool:smolvlm-2-5 {'tool': 'smolvlm-2-5', 'name': 'SmolVLM 2.5'")
        demo.send(a_vote("skip", tool="my-tool", voter="downstream"))
        await_line(reading, "tool:my-tool {", "'skip': 1")
    finally:
        reading.kill()
        reading.wait()


def await_line(process: "subprocess.Popen[str]", *texts: str) -> None:
    """Read lines until one has all texts; an end of the output fails."""
    assert process.stdout
    seen: list[str] = []
    for line in process.stdout:
        seen.append(line)
        if all(text in line for text in texts):
            return
    raise AssertionError("".join(seen[-20:]))


def test_a_killed_service_is_restarted_and_the_terminal_says_so(demo: System) -> None:
    wait_until(
        "the terminal says that the worker is restarted",
        lambda: "worker was killed by signal 9; restarting" in demo.logged,
    )
