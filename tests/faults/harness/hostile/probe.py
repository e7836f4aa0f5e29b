"""An ordinary reader and voter beside a flood: one vote and one page every 250 ms.

`python -m tests.faults.harness.hostile.probe PORT ROUNDS TOOL COOKIE…` prints its figures as JSON.
It is a process of its own, so that the flood's work does not delay its clock.
"""

import asyncio
import contextlib
import json
import math
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tests.faults.harness.hostile.exchange import request

INTERVAL_SECONDS = 0.25
MOST_P99_SECONDS = 1.0
FEW = 200


class ProbeFigures(msgspec.Struct):
    """What the probe saw; times in seconds.

    Attributes:
        sent: Votes and pages that were sent.
        answered: Those that were answered with 200.
        p50: Half took no longer.
        p99: All but one in a hundred took no longer.
        longest: The longest.
        p99_votes: As `p99`, of votes alone.
        p99_pages: As `p99`, of pages alone.
        refusals: The other answers; 0 is none.
        flood: What ran beside it.
        note: What the flood says of itself.
    """

    sent: int
    answered: int
    p50: float
    p99: float
    longest: float
    p99_votes: float
    p99_pages: float
    refusals: list[int]
    flood: str = ""
    note: str = ""

    @property
    def sound(self) -> bool:
        """Whether all were answered, and soon; few figures have no 99th percentile."""
        soon = self.p99 < MOST_P99_SECONDS or self.sent < FEW
        return self.answered == self.sent and soon


class Answer(NamedTuple):
    """One answer to a vote or a page; the status is 0 without one."""

    is_vote: bool
    status: int
    seconds: float


def figures_of(answers: Sequence[Answer]) -> ProbeFigures:
    """The figures of all answers."""
    seconds = [answer.seconds for answer in answers]
    return ProbeFigures(
        sent=len(answers),
        answered=sum(answer.status == 200 for answer in answers),
        p50=percentile(seconds, 50),
        p99=percentile(seconds, 99),
        longest=max(seconds),
        p99_votes=percentile([answer.seconds for answer in answers if answer.is_vote], 99),
        p99_pages=percentile([answer.seconds for answer in answers if not answer.is_vote], 99),
        refusals=sorted({answer.status for answer in answers} - {200}),
    )


def percentile(seconds: Sequence[float], percent: int) -> float:
    """The smallest value that so many per cent of the values do not exceed."""
    return sorted(seconds)[math.ceil(len(seconds) * percent / 100) - 1]


class Probe:
    """Votes and reads on a new connection each time, whether earlier ones are answered or not."""

    def __init__(self, port: int, tool: str, cookies: Sequence[str]) -> None:
        self._port = port
        self._tool = tool
        self._cookies = cookies
        self._answers: list[Answer] = []

    async def run(self, rounds: int) -> ProbeFigures:
        """Probe so many times, and wait for the answers under way."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(rounds):
                due = began + number * INTERVAL_SECONDS
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._send(self._vote(number), is_vote=True))
                group.create_task(self._send(self._page(), is_vote=False))
        return figures_of(self._answers)

    async def _send(self, data: bytes, *, is_vote: bool) -> None:
        began, status = time.monotonic(), 0
        with contextlib.suppress(OSError):
            exchange = await request(self._port, data)
            status = exchange.status if exchange.closed else 0
        self._answers.append(Answer(is_vote, status, time.monotonic() - began))

    def _vote(self, number: int) -> bytes:
        """The next voter's vote; each comes back with the other choice."""
        choice = ("ship", "skip")[number // len(self._cookies) % 2]
        body = json.dumps({"choice": choice})
        return self._head(
            f"PUT /v1/tools/{self._tool}/vote",
            f"Origin: http://127.0.0.1:{self._port}",
            f"Cookie: {self._cookies[number % len(self._cookies)]}",
            f"Content-Length: {len(body)}",
            body=body,
        )

    def _page(self) -> bytes:
        return self._head(f"GET /tools/{self._tool}/")

    def _head(self, line: str, *fields: str, body: str = "") -> bytes:
        lines = (f"{line} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", "Connection: close", *fields)
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def main(port: str, rounds: str, tool: str, *cookies: str) -> None:
    """Probe, and print the figures."""
    figures = asyncio.run(Probe(int(port), tool, cookies).run(int(rounds)))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
