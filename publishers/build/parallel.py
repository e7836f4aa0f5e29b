"""One long piece of work, shared by several processes."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

Work = Callable[[Sequence[str]], int]


def map_in_forks(work: Work, items: Sequence[str], processes: int) -> int:
    """Deal items out to so many processes, and sum up what `work` returns in each.

    A forked process has all that this process holds in memory; fork only where no other thread
    runs. Each ends with its own work, whatever becomes of this process. When this call ends, all
    processes have ended.

    Raises:
        Exception: what `work` raised in one process; the others finish theirs.
        EOFError: a process was killed.
    """
    if processes < 2:
        return work(items)
    fork = get_context("fork")
    receivers: list[Connection] = []
    forks: list[ForkProcess] = []
    try:
        for number in range(processes):
            receiver, sender = fork.Pipe(duplex=False)
            process = fork.Process(target=_work, args=(sender, work, items[number::processes]))
            process.start()
            forks.append(process)
            # Open in the fork alone, so that the pipe closes when the fork ends.
            sender.close()
            receivers.append(receiver)
        return sum(map(_receive, receivers))
    finally:
        for process in forks:
            process.join()


def _receive(receiver: Connection) -> int:
    """Wait for the result of one process."""
    result: int | Exception = receiver.recv()
    if isinstance(result, Exception):
        raise result
    return result


def _work(sender: Connection, work: Work, items: Sequence[str]) -> None:
    """In the forked process: do the work, and send its result, which may be an error."""
    try:
        result: int | Exception = work(items)
    except Exception as error:
        result = error
    with suppress(BrokenPipeError):
        sender.send(result)
