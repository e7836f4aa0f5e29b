"""What ends a group of processes."""

import os
import subprocess
import sys
from pathlib import Path

RUN = (
    "import os, sys; from infra.supervisor.services.process_group import run_group; "
    "run_group('clerk', [sys.executable, '-c', sys.argv[1]], 2, os.environ)"
)
IN_FOLDER = """
import os, signal, sys, time
from pathlib import Path

folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

def await_runs(count):
    (folder / f"runs-{os.getpid()}").touch()
    while len(list(folder.glob("runs-*"))) < count:
        time.sleep(0.01)

def ask_to_stop():
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(60)
"""
ASK_TO_STOP_ONCE_BOTH_RUN = (
    IN_FOLDER
    + """
print(folder, flush=True)
await_runs(2)
ask_to_stop()
"""
)
FAIL_BUT_FOR_THE_FIRST = (
    IN_FOLDER
    + """
try:
    (folder / "first").touch(exist_ok=False)
except FileExistsError:
    await_runs(0)
    sys.exit(3)
await_runs(1 + 4)  # the other one failed once more than it may
print("goes on", flush=True)
ask_to_stop()
"""
)


def run(code_of_member: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, code_of_member],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_group_of_which_no_process_stays_up_ends_with_a_sentence() -> None:
    ended = run("raise SystemExit(3)")
    assert ended.returncode == 1
    assert "No process of clerk stays up; the log lines above say why." in ended.stderr


def test_one_process_that_keeps_failing_leaves_the_others_alone() -> None:
    ended = run(FAIL_BUT_FOR_THE_FIRST)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "goes on"


def test_a_group_that_is_told_to_stop_ends_its_processes_and_leaves_no_file() -> None:
    ended = run(ASK_TO_STOP_ONCE_BOTH_RUN)
    assert ended.returncode == 0, ended.stderr
    (folder,) = set(ended.stdout.split())
    assert not Path(folder).exists()
