"""Work is shared between processes, whole and once, and what goes wrong in one is heard of."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from publishers.build.parallel import map_in_forks

ITEMS = [f"item-{number}" for number in range(10)]


@pytest.mark.parametrize("processes", [0, 1, 2, 3, 20])
def test_everything_is_done_once(tmp_path: Path, processes: int) -> None:
    def work(items: Sequence[str]) -> int:
        for item in items:
            with (tmp_path / item).open("x") as file:
                file.write(str(os.getpid()))
        return len(items)

    assert map_in_forks(work, ITEMS, processes) == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ITEMS
    workers = {path.read_text() for path in tmp_path.iterdir()}
    assert len(workers) == min(max(processes, 1), 10)


def test_what_one_of_them_raises_is_raised_here() -> None:
    def work(items: Sequence[str]) -> int:
        if "item-3" in items:
            raise FileExistsError("item-3")
        return 1

    with pytest.raises(FileExistsError, match="item-3"):
        map_in_forks(work, ITEMS, 2)


def test_one_that_is_killed_is_missed() -> None:
    def work(items: Sequence[str]) -> int:
        if "item-3" in items:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    with pytest.raises(EOFError):
        map_in_forks(work, ITEMS, 2)


def test_whoever_hears_of_a_failure_finds_none_of_them_at_work(tmp_path: Path) -> None:
    def work(items: Sequence[str]) -> int:
        if "item-2" in items:
            raise FileExistsError("item-2")
        time.sleep(0.3)  # work that takes longer than the other's
        (tmp_path / "done").touch()
        return 1

    with pytest.raises(FileExistsError):
        map_in_forks(work, ITEMS, 2)
    assert (tmp_path / "done").exists()
