"""A newcomer's way: pull, edit, check, diff, preview, push; against a running system."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.system import VERDICTS, System
from tests.harness.examples import a_category, a_listing, a_review, a_reviewer
from tests.harness.services import Service
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

TOOL = """---
name: Newcomer
category: {category}
tagline: It is new
pricing: Free
entry: free
---

It *digs*.
"""


@pytest.fixture
def folder(system: System, unique_number: int, tmp_path: Path) -> Path:
    """A pulled folder of a site with a category, a tool and two reviews of this test's own."""
    tool, category = f"tool-{unique_number}", f"desk-{unique_number}"
    system.send(
        a_category(category, "Desk"),
        a_listing(tool, "Old Hand", category),
        a_reviewer("builder", "Builder"),
        a_reviewer("skeptic", "Skeptic"),
        a_review(tool=tool, reviewer="builder", verdict="ship"),
        a_review(tool=tool, reviewer="skeptic", verdict="ship"),
    )
    pulled = tmp_path / "site"
    assert run(system, "pull", pulled)[0] == 0
    return pulled


_numbers = iter(range(1, 1_000))


@pytest.fixture
def unique_number() -> int:
    return next(_numbers)


def run(system: System, command: str, folder: Path, *options: str) -> tuple[int, str]:
    done = system.run_verdicts("content", command, str(folder), *options)
    return done.returncode, done.stdout + done.stderr


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*.md")}


def events_with(system: System, text: str) -> list[str]:
    shown = system.run_verdicts("events", "tail", "--json", "-n", "2000", "--topic", "catalog")
    return [line for line in shown.stdout.splitlines() if text in line]


def test_pull_edit_check_diff_preview_push(
    system: System, folder: Path, unique_number: int
) -> None:
    tool, new = f"tool-{unique_number}", f"newcomer-{unique_number}"
    assert run(system, "diff", folder) == (0, "The files say what the site shows.\n")
    review = folder / f"reviews/{tool}/skeptic.md"
    review.write_text(review.read_text().replace("verdict: ship", "verdict: slip"))
    (folder / f"tools/{new}.md").write_text(TOOL.format(category=f"desk-{unique_number}"))

    status, said_of_errors = run(system, "check", folder)
    assert status == 1
    assert f"reviews/{tool}/skeptic.md:3: verdict: 'slip' is none of ship, skip" in said_of_errors
    assert run(system, "push", folder)[0] == 1
    review.write_text(review.read_text().replace("verdict: slip", "verdict: skip"))
    # Files of other tests on this site may have something to correct.
    corrections = run(system, "check", folder)[1]
    assert tool not in corrections
    assert new not in corrections

    status, told_changes = run(system, "diff", folder)
    assert status == 1
    assert f"+ tools/{new}.md  is new" in told_changes
    assert "Verdict: Old Hand: Ship ▸ Split" in told_changes
    assert f"/tools/{new}/" in told_changes

    previewed = _preview(system, folder, f"/tools/{new}/")
    assert run(system, "push", folder, "--dry-run")[0] == 0
    assert system.http.get(f"/tools/{new}/").status_code == 404
    before = bytes_of(folder)
    assert run(system, "push", folder)[0] == 0
    assert system.http.get(f"/tools/{new}/").content == previewed
    assert system.await_file(f"/tools/{new}/", "It <em>digs</em>.").encode() == previewed
    assert system.tool(tool)["panel"]["verdict"] == "split"

    assert run(system, "diff", folder)[0] == 0
    assert run(system, "pull", folder)[0] == 0
    assert bytes_of(folder) == before
    assert "0 events sent." in run(system, "push", folder)[1]
    assert len(events_with(system, f'"{new}"')) == 1


def _preview(system: System, folder: Path, path: str) -> bytes:
    """The page of this path as a preview serves it."""
    output = folder.parent / "preview.txt"
    command = (str(VERDICTS), "content", "preview", str(folder))
    service = Service(command, system.environment, output).start()
    try:
        line = wait_until(
            "the preview is served",
            lambda: next((each for each in service.logged.splitlines() if "http" in each), ""),
            seconds=60,
        )
        root = "http://" + line.partition("http://")[2].partition("/")[0]
        index = system.http.get(f"{root}/-preview/").text
        assert f'new<td><a href="{path}">' in index
        return system.http.get(root + path).content
    finally:
        service.stop()


def test_a_removed_file_retires_only_when_asked(
    system: System, folder: Path, unique_number: int
) -> None:
    tool = f"tool-{unique_number}"
    (folder / f"tools/{tool}.md").unlink()
    shutil.rmtree(folder / f"reviews/{tool}")
    assert "--remove would retire the tool" in run(system, "push", folder)[1]
    assert system.tool(tool)["retired"] is None
    assert run(system, "push", folder, "--remove", "--reason", "It is gone.")[0] == 0
    assert system.tool(tool)["retired_reason"] == "It is gone."
    assert system.http.get(f"/tools/{tool}/").status_code == 410


def test_what_both_changed_is_a_conflict_with_both_versions(
    system: System, folder: Path, unique_number: int
) -> None:
    tool, category = f"tool-{unique_number}", f"desk-{unique_number}"
    file = folder / f"tools/{tool}.md"
    file.write_text(file.read_text().replace("Old Hand", "Mine"))
    system.send(a_listing(tool, "Theirs", category))
    status, shown = run(system, "push", folder)
    assert status == 1
    assert "-name: Theirs" in shown
    assert "+name: Mine" in shown
    assert system.tool(tool)["name"] == "Theirs"
    assert run(system, "pull", folder)[0] == 1
    assert "Mine" in file.read_text()
    assert run(system, "push", folder, "--force")[0] == 0
    assert system.tool(tool)["name"] == "Mine"


def test_what_only_the_site_changed_is_pulled_and_never_pushed_back(
    system: System, folder: Path, unique_number: int
) -> None:
    tool, category = f"tool-{unique_number}", f"desk-{unique_number}"
    system.send(a_listing(tool, "Theirs", category))
    status, shown = run(system, "push", folder)
    assert (status, "is older than the site" in shown) == (0, True)
    assert system.tool(tool)["name"] == "Theirs"
    assert run(system, "pull", folder)[0] == 0
    assert "name: Theirs" in (folder / f"tools/{tool}.md").read_text()


def test_a_push_that_is_killed_is_repeated_without_a_second_event(
    system: System, folder: Path, unique_number: int
) -> None:
    category = f"desk-{unique_number}"
    for number in range(40):
        name = f"many-{unique_number}-{number}"
        (folder / f"tools/{name}.md").write_text(TOOL.format(category=category))
    push = subprocess.Popen(
        [str(VERDICTS), "content", "push", str(folder)],
        env=system.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(
        "some events are there",
        lambda: events_with(system, f"many-{unique_number}-"),
        seconds=60,
    )
    push.send_signal(signal.SIGKILL)
    push.wait()
    assert run(system, "push", folder)[0] == 0
    ids = [json.loads(line)["id"] for line in events_with(system, f"many-{unique_number}-")]
    assert len(ids) == len(set(ids)) == 40
    assert system.tool(f"many-{unique_number}-39")["name"] == "Newcomer"


def test_a_push_of_nothing_is_quick(system: System, folder: Path) -> None:
    begin = time.monotonic()
    assert run(system, "push", folder)[0] == 0
    assert time.monotonic() - begin < 20  # under 2 s on a machine that does nothing else


def test_from_another_machine_a_url_and_a_token_are_enough(
    system: System, folder: Path, unique_number: int, tmp_path: Path
) -> None:
    token = (system.data / "admin.token").read_text().strip()
    elsewhere = {"VERDICTS_DATA": str(tmp_path / "nothing"), "VERDICTS_TOKEN": token}
    base = tmp_path / "base"
    shutil.copytree(folder, base)
    (folder / ".verdicts-content.json").unlink()
    file = folder / f"tools/tool-{unique_number}.md"
    file.write_text(file.read_text().replace("Old Hand", "From CI"))
    command = ("content", "push", str(folder), "--url", system.url, "--base", str(base))
    refused = system.run_verdicts(*command, VERDICTS_DATA=str(tmp_path / "nothing"))
    assert (refused.returncode, "VERDICTS_TOKEN" in refused.stderr) == (2, True)
    done = system.run_verdicts(*command, **elsewhere)
    assert done.returncode == 0, done.stdout + done.stderr
    assert system.tool(f"tool-{unique_number}")["name"] == "From CI"


def test_what_cannot_be_used_ends_with_status_2(system: System, tmp_path: Path) -> None:
    assert run(system, "check", tmp_path / "missing")[0] == 2
    status, sentence = run(system, "diff", tmp_path, "--url", "http://127.0.0.1:1")
    assert (status, "does not answer" in sentence) == (2, True)
