"""A closed loop: every connection sends its next request when it has the answer to the last.

Reads a plan from standard input and prints what came of it, both as JSON.
"""

import select
import sys
import time
from collections import Counter
from itertools import cycle

import msgspec

from tests.bench.load.wire import Connection, status_of


class Plan(msgspec.Struct):
    """What to do: for each connection the requests that it sends in turn, over and over.

    Attributes:
        port: Of the server, on loopback.
        scripts: The requests of each connection, as text.
        warm: Seconds before measuring begins.
        seconds: Seconds to measure.
    """

    port: int
    scripts: list[list[str]]
    warm: float
    seconds: float


class Outcome(msgspec.Struct):
    """What came of it: all answers by status, and answers a second and milliseconds, warm."""

    statuses: dict[int, int]
    rate: float
    p50: float
    p99: float


def drive(plan: Plan) -> Outcome:
    """Run the plan; ends when every request has its answer."""
    poll = select.epoll()
    connections = {}
    for script in plan.scripts:
        connection = Connection(plan.port)
        requests = cycle([text.encode() for text in script])
        connections[connection.socket.fileno()] = connection, requests
        poll.register(connection.socket, select.EPOLLIN)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    begin = time.monotonic() + plan.warm
    end = begin + plan.seconds
    for connection, requests in connections.values():
        connection.send(next(requests))
    under_way = len(connections)
    while under_way:
        for number, _ in poll.poll():
            connection, requests = connections[number]
            answer = connection.receive()
            if answer is None:
                continue
            statuses[status_of(answer)] += 1
            now = time.monotonic()
            if begin <= now < end:
                latencies.append(1000 * (now - connection.began))
            if now < end:
                connection.send(next(requests))
            else:
                under_way -= 1
    return _outcome(statuses, latencies, plan.seconds)


def _outcome(statuses: Counter[int], latencies: list[float], seconds: float) -> Outcome:
    latencies.sort()
    return Outcome(
        dict(statuses), len(latencies) / seconds, at(latencies, 0.5), at(latencies, 0.99)
    )


def at(latencies: list[float], share: float) -> float:
    """The latency that this share of a sorted list stays under."""
    return latencies[int(share * (len(latencies) - 1))]


if __name__ == "__main__":
    outcome = drive(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
