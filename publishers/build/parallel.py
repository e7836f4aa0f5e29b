"""Many hands: one long piece of work, done by several processes at once."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

Work = Callable[[Sequence[str]], int]


def map_in_forks(work: Work, items: Sequence[str], hands: int) -> int:
    """Deal items out to so many processes, and sum up what `work` gives for the items of each.

    They are forked, and so have all that this process holds in memory; fork only where no other
    thread runs. Each ends with its own work, whatever becomes of this process. However this call
    ends, none of them is at work any more.

    Raises:
        Exception: what `work` raised in one of them; the others finish theirs.
        EOFError: one of them was killed.
    """
    if hands < 2:
        return work(items)
    fork = get_context("fork")
    lines: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        for hand in range(hands):
            line, end = fork.Pipe(duplex=False)
            process = fork.Process(target=_work, args=(end, work, items[hand::hands]))
            process.start()
            processes.append(process)
            # Held by the other process alone, it tells by closing that this one is gone.
            end.close()
            lines.append(line)
        return sum(map(_done, lines))
    finally:
        for process in processes:
            process.join()


def _done(line: Connection) -> int:
    """What one of them did."""
    done: int | Exception = line.recv()
    if isinstance(done, Exception):
        raise done
    return done


def _work(end: Connection, work: Work, items: Sequence[str]) -> None:
    """In the forked process: do the work, and tell what came of it to whoever still listens."""
    try:
        done: int | Exception = work(items)
    except Exception as error:
        done = error
    with suppress(BrokenPipeError):
        end.send(done)
