"""Votes at a steady rate, each of a new browser, and when the page of their tool shows them.

The k-th vote sent for a tool counts as seen when its page shows k votes more than before. Votes
that overtake one another only swap places, so this stays true for their number.

Reads a plan from standard input and prints what came of it, both as JSON.
"""

import select
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec

from tests.bench.load.watch import Pages
from tests.bench.load.wire import Connection, request, status_of

RUN_SECONDS = 30.0


class Plan(msgspec.Struct):
    """What to do: `rate` votes a second for so many `seconds`, over the tools in turn.

    `site` is the folder to watch, and `pages` the page in it that shows a tool's votes; without an
    entry its own page does.
    """

    port: int
    site: str
    tools: list[str]
    rate: float
    seconds: float
    pages: dict[str, str] = {}


class Outcome(msgspec.Struct):
    """Milliseconds from each vote sent to its page changed, and to its answer, both sorted.

    `statuses` counts answers by status.
    """

    latencies: list[float]
    answers: list[float]
    statuses: dict[int, int]


class Crowd:
    """Sends votes on connections that are free, or on new ones; an answer may take its time."""

    def __init__(self, plan: Plan, poll: select.epoll) -> None:
        self._plan = plan
        self._poll = poll
        self._free: list[Connection] = []
        self._busy: dict[int, Connection] = {}
        self.statuses: Counter[int] = Counter()
        self.answers: list[float] = []

    @property
    def waits(self) -> bool:
        """Whether a vote has no answer yet."""
        return bool(self._busy)

    def vote(self, tool: str) -> None:
        """Send one vote of a new voter: without a cookie."""
        headers = {"host": "127.0.0.1", "origin": "http://127.0.0.1"}
        connection = self._free.pop() if self._free else self._connected()
        self._busy[connection.socket.fileno()] = connection
        connection.send(request("PUT", f"/v1/tools/{tool}/vote", b'{"choice":"ship"}', headers))

    def _connected(self) -> Connection:
        connection = Connection(self._plan.port)
        self._poll.register(connection.socket, select.EPOLLIN)
        return connection

    def hear(self, number: int) -> None:
        """Take in what has arrived on a connection."""
        answer = self._busy[number].receive()
        if answer is not None:
            self.statuses[status_of(answer)] += 1
            self.answers.append(1000 * (time.monotonic() - self._busy[number].began))
            self._free.append(self._busy.pop(number))


def drive(plan: Plan) -> Outcome:
    """Run the plan; ends when every vote has its answer and is on its page."""
    paths = {tool: plan.pages.get(tool, f"tools/{tool}") for tool in plan.tools}
    pages, poll = Pages(Path(plan.site), paths), select.epoll()
    poll.register(pages, select.EPOLLIN)
    crowd = Crowd(plan, poll)
    before = pages.votes()
    sent: dict[str, list[float]] = {tool: [] for tool in plan.tools}
    seen: dict[str, int] = dict.fromkeys(plan.tools, 0)
    latencies: list[float] = []
    begin, total, number = time.monotonic(), int(plan.rate * plan.seconds), 0
    while number < total or len(latencies) < total or crowd.waits:
        now = time.monotonic()
        if now > begin + plan.seconds + RUN_SECONDS:
            raise TimeoutError(f"{total - len(latencies)} of {total} votes are on no page")
        while number < total and now >= begin + number / plan.rate:
            tool = plan.tools[number % len(plan.tools)]
            sent[tool].append(time.monotonic())
            crowd.vote(tool)
            number += 1
        pause = begin + number / plan.rate - time.monotonic() if number < total else 1.0
        for ready, _ in poll.poll(max(0.0, pause)):
            if ready != pages.fileno():
                crowd.hear(ready)
                continue
            for tool, shown in pages.changed():
                now = time.monotonic()
                news = sent[tool][seen[tool] : shown - before[tool]]
                latencies += [1000 * (now - moment) for moment in news]
                seen[tool] += len(news)
    if seen != {tool: len(moments) for tool, moments in sent.items()}:
        raise AssertionError("the pages do not show what was sent")
    return Outcome(sorted(latencies), sorted(crowd.answers), dict(crowd.statuses))


if __name__ == "__main__":
    outcome = drive(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
