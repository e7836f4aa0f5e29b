"""Ends or stops a mailer at a point of its work: at a step of a mail, or of a transaction."""

import os
import random
import signal
import threading
from typing import NamedTuple

from tests.faults.harness.mail.sink import STEPS

COMMITS = ("commit", "committed")
"""Steps of transactions: claims, outcomes, heartbeats and what a new term settles."""


class Point(NamedTuple):
    """The so many-th time that a step is reached."""

    step: str
    number: int


def points(chances: random.Random, number: int) -> list[Point]:
    """So many points; each step comes about equally often."""
    steps = (*STEPS, *COMMITS)
    return [
        Point(steps[index % len(steps)], chances.randrange(1, 10))
        for index in chances.sample(range(number * len(steps)), number)
    ]


class Executioner:
    """Sends a signal to a process when its point comes.

    Attributes:
        reached: Set once the signal was sent.
    """

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._lock = threading.Lock()
        self._armed: tuple[Point, int, signal.Signals] | None = None
        self._seen = 0

    def arm(self, point: Point, pid: int, number: signal.Signals = signal.SIGKILL) -> None:
        """Count steps from now on."""
        with self._lock:
            self.reached.clear()
            self._armed, self._seen = (point, pid, number), 0

    def disarm(self) -> None:
        with self._lock:
            self._armed = None

    def see(self, step: str) -> None:
        """A step of any mail, or of any transaction of the process."""
        with self._lock:
            if self._armed is None or self._armed[0].step != step:
                return
            point, pid, number = self._armed
            self._seen += 1
            if self._seen == point.number:
                os.kill(pid, number)
                self._armed = None
                self.reached.set()

    def tap(self) -> "_Commits":
        """Shows a connection to the database."""
        return _Commits(self)


class _Commits:
    def __init__(self, executioner: Executioner) -> None:
        self._executioner = executioner
        self._committing = False

    def ask(self, data: bytes) -> bool:
        if b"COMMIT\0" in data:
            self._committing = True
            self._executioner.see("commit")
        return True

    def answer(self, data: bytes) -> bool:  # noqa: ARG002
        if self._committing:
            self._committing = False
            self._executioner.see("committed")
        return True
