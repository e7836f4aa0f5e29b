"""What ends a group of processes."""

import os
import subprocess
import sys
from pathlib import Path

RUN = (
    "import os, sys; from infra.supervisor.process_group import run_group; "
    "run_group('clerk', [sys.executable, '-c', sys.argv[1]], 2, os.environ)"
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


def test_a_process_that_keeps_failing_ends_the_group_with_a_sentence() -> None:
    ended = run("raise SystemExit(3)")
    assert ended.returncode == 1
    assert "keeps failing; its log lines above say why." in ended.stderr


def test_a_group_that_is_told_to_stop_ends_its_processes_and_leaves_no_file() -> None:
    """Of two processes that sleep, one asks the group to stop once it can answer for both."""
    ended = run(
        "import os, signal, sys, time; "
        "print(os.environ['PROMETHEUS_MULTIPROC_DIR'], flush=True); "
        "time.sleep(1); os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)"
    )
    assert ended.returncode == 0, ended.stderr
    first, second = ended.stdout.split()
    assert first == second
    assert not Path(first).exists()
