"""Work that comes at the same time is done as one, and no member pays for another's fault."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from infra.consumer.partition import MissedError
from infra.consumer.together import Together


class Work:
    """Runs groups, of which the first waits until it is let go."""

    def __init__(self, refuses: Callable[[Sequence[str]], Exception | None] = lambda _: None):
        self.groups: list[list[str]] = []
        self.begun, self.may_end = threading.Event(), threading.Event()
        self._refuses = refuses

    def run(self, group: Sequence[str]) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            assert self.may_end.wait(10)
        if error := self._refuses(group):
            raise error
        self.groups.append(sorted(group))


@contextmanager
def meanwhile(work: Work, *members: str) -> Iterator[dict[str, "Future[None]"]]:
    """Ask for one group, and for members of the next while that runs."""
    together = Together(work.run)
    with ThreadPoolExecutor(1 + len(members)) as pool:
        first = pool.submit(together.do, "first")
        assert work.begun.wait(10)
        asked = {name: pool.submit(together.do, name) for name in members}
        while len(together._waiting) < len(members):
            threading.Event().wait(0.001)  # until each of them waits
        work.may_end.set()
        first.result(10)
        yield asked


def test_what_comes_while_a_group_runs_is_the_next_group():
    work = Work()
    with meanwhile(work, "a", "b", "c") as asked:
        for future in asked.values():
            future.result(10)
    assert work.groups == [["first"], ["a", "b", "c"]]


def test_a_missed_checkpoint_is_told_to_the_one_that_missed_it():
    work = Work(lambda group: MissedError(7) if "b" in group else None)
    with meanwhile(work, "a", "b", "c") as asked:
        with pytest.raises(MissedError):
            asked.pop("b").result(10)
        for future in asked.values():
            future.result(10)
    assert sorted(work.groups) == [["a"], ["c"], ["first"]]


def test_a_database_that_is_away_is_told_to_all():
    work = Work(lambda group: None if "first" in group else ConnectionError("away"))
    with meanwhile(work, "a", "b") as asked:
        for future in asked.values():
            with pytest.raises(ConnectionError):
                future.result(10)
    assert work.groups == [["first"]]


def test_whoever_was_refused_may_ask_again():
    refused = iter([ConnectionError("away"), None])
    work = Work(lambda _: next(refused))
    work.may_end.set()
    together = Together(work.run)
    with pytest.raises(ConnectionError):
        together.do("a")
    together.do("a")
    assert work.groups == [["a"]]
