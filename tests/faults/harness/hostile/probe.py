"""An ordinary reader and voter beside a flood: one vote and one page every 250 ms.

`python -m tests.faults.harness.hostile.probe PORT ROUNDS TOOL COOKIE…` prints its figures as JSON.
It is a process of its own, so that the flood's work does not delay its clock.
"""

import asyncio
import json
import math
import sys
import time
from collections.abc import Sequence

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
        refusals: The other answers; 0 is none.
        flood: What ran beside it.
        note: What the flood says of itself.
    """

    sent: int
    answered: int
    p50: float
    p99: float
    longest: float
    refusals: list[int]
    flood: str = ""
    note: str = ""

    @property
    def sound(self) -> bool:
        """Whether all were answered, and soon; few figures have no 99th percentile."""
        soon = self.p99 < MOST_P99_SECONDS or self.sent < FEW
        return self.answered == self.sent and soon


def figures_of(statuses: Sequence[int], seconds: Sequence[float]) -> ProbeFigures:
    """The figures of exchanges with these statuses and times."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return ProbeFigures(
        sent=len(statuses),
        answered=statuses.count(200),
        p50=ordered[last // 2],
        p99=ordered[math.ceil(last * 0.99)],
        longest=ordered[-1],
        refusals=sorted({status for status in statuses if status != 200}),
    )


class Probe:
    """Votes and reads on a new connection each time, whether earlier ones are answered or not."""

    def __init__(self, port: int, tool: str, cookies: Sequence[str]) -> None:
        self._port = port
        self._tool = tool
        self._cookies = cookies
        self._statuses: list[int] = []
        self._seconds: list[float] = []

    async def run(self, rounds: int) -> ProbeFigures:
        """Probe so many times, and wait for the answers under way."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(rounds):
                due = began + number * INTERVAL_SECONDS
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._send(self._vote(number)))
                group.create_task(self._send(self._page()))
        return figures_of(self._statuses, self._seconds)

    async def _send(self, data: bytes) -> None:
        began = time.monotonic()
        try:
            exchange = await request(self._port, data)
        except OSError:
            self._statuses.append(0)
        else:
            self._statuses.append(exchange.status if exchange.closed else 0)
        self._seconds.append(time.monotonic() - began)

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
