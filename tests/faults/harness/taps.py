"""What a connection can lose: the answer to a COMMIT or to a produce request."""

import random
import struct
import threading
from collections.abc import Callable

_PRODUCE = 0
_SIZE, _REQUEST, _CORRELATION = struct.Struct(">i"), struct.Struct(">hhi"), struct.Struct(">i")


class LostCommits:
    """Loses the answers to the next so many COMMITs; the commits themselves take place.

    Args:
        of: Part of the statements that mark the transactions meant, such as a table's name.
    """

    def __init__(self, of: bytes) -> None:
        self.of = of
        self.wanted = 0
        self.lost = 0
        self._lock = threading.Lock()

    def tap(self) -> "_Commits":
        return _Commits(self)

    def claim(self) -> bool:
        """Whether to lose one more."""
        with self._lock:
            if not self.wanted:
                return False
            self.wanted -= 1
            self.lost += 1
            return True


class _Commits:
    def __init__(self, plan: LostCommits) -> None:
        self._plan = plan
        self._meant = False
        self._losing = False

    def ask(self, data: bytes) -> bool:
        self._meant |= self._plan.of in data
        if b"COMMIT\0" in data:
            self._losing = self._meant and self._plan.claim()
            self._meant = False
        return True

    def answer(self, data: bytes) -> bool:  # noqa: ARG002
        return not self._losing


class LostProduceAnswers:
    """Loses answers to produce requests, each with a given chance, while it is switched on."""

    def __init__(self, chances: random.Random) -> None:
        self.chance = 0.0
        self.lost = 0
        self._chances = chances

    def tap(self) -> "_Produce":
        return _Produce(self._doomed)

    def _doomed(self) -> bool:
        if self._chances.random() >= self.chance:
            return False
        self.lost += 1
        return True


class _Produce:
    """Follows the frames of Kafka's protocol both ways, and matches answers to requests."""

    def __init__(self, doomed: Callable[[], bool]) -> None:
        self._doomed = doomed
        self._asked = bytearray()
        self._answered = bytearray()
        self._correlations: set[int] = set()

    def ask(self, data: bytes) -> bool:
        for frame in _frames(self._asked, data):
            kind, _, correlation = _REQUEST.unpack_from(frame)
            if kind == _PRODUCE and self._doomed():
                self._correlations.add(correlation)
        return True

    def answer(self, data: bytes) -> bool:
        return not any(
            _CORRELATION.unpack_from(frame)[0] in self._correlations
            for frame in _frames(self._answered, data)
        )


def _frames(waiting: bytearray, data: bytes) -> list[bytes]:
    """The whole frames that have arrived; the rest waits."""
    waiting += data
    frames = []
    while len(waiting) >= _SIZE.size:
        end = _SIZE.size + _SIZE.unpack_from(waiting)[0]
        if len(waiting) < end:
            break
        frames.append(bytes(waiting[_SIZE.size : end]))
        del waiting[:end]
    return frames
