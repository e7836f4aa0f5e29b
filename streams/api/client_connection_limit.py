"""Limits the connections of each client address to a share of all.

The server accepts connections by itself and tells nobody. But they are file descriptors of this
process, so they can be counted, and those that an address has beyond its share can be shut down.
The server then ends them as if their client had hung up.
"""

import asyncio
import os
import socket
import struct
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple

import structlog

from infra.runtime.blocking_pool import BlockingPool
from streams.api.auth.trusted_proxies import TrustedProxies, network_prefix, parse_address

SHARES = 4
"""How many addresses it takes to use up all connections."""
SECONDS_BETWEEN_SWEEPS = 1.0
SECONDS_IN_A_FLOOD = 0.1
SECONDS_BETWEEN_LINES = 60.0
"""A flood is logged once in so long."""

_TCP_INFO_SIZE = 60
_LAST_DATA = struct.Struct("=44xI4xI")
"""In Linux's `tcp_info`: milliseconds since data was sent, and since data was received."""

log = structlog.get_logger(__name__)


class Connection(NamedTuple):
    """An accepted connection: its descriptor, and the client's address and port."""

    descriptor: int
    peer: tuple[str, int]


class ClientConnectionLimit:
    """Finds and ends the connections of an address that are more than its share.

    Args:
        port: The port of the server.
        capacity: How many connections may be open at once.
        proxies: Their addresses stand for many clients and have no share.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        port: int,
        capacity: int,
        proxies: TrustedProxies,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._capacity = capacity
        self._share = max(1, capacity // SHARES)
        self._proxies = proxies
        self._clock = clock
        self._logged: dict[str, float] = {}

    def sweep(self) -> int:
        """End the connections of each address beyond its share; returns how many."""
        if len(_descriptors()) <= self._share:
            return 0
        by_client: dict[str, list[Connection]] = defaultdict(list)
        for connection in _accepted(self._port):
            by_client[_client(connection.peer[0])].append(connection)
        self._log_fullness(sum(map(len, by_client.values())))
        return sum(self._end_excess(client, own) for client, own in by_client.items())

    def _end_excess(self, client: str, connections: list[Connection]) -> int:
        excess = len(connections) - self._share
        if excess <= 0 or self._proxies.is_trusted(connections[0].peer[0]):
            return 0
        idle_first = sorted(connections, key=_idle_milliseconds, reverse=True)
        ended = sum(map(_end, idle_first[:excess]))
        self._log(
            client, "ended connections beyond an address's share", client=client, share=self._share
        )
        return ended

    def _log_fullness(self, connections: int) -> None:
        if connections >= self._capacity:
            self._log("", "all connections are in use; further ones wait", connections=connections)

    def _log(self, about: str, event: str, **fields: str | int) -> None:
        now = self._clock()
        self._logged = {
            key: at for key, at in self._logged.items() if now - at < SECONDS_BETWEEN_LINES
        }
        if about not in self._logged:
            self._logged[about] = now
            log.warning(event, **fields)


async def enforce_limit(limit: ClientConnectionLimit) -> None:
    """Sweep until cancelled; often while there is something to end."""
    if not sys.platform.startswith("linux"):
        return
    pool = BlockingPool(1, "connection limit", timeout=None)
    try:
        while True:
            ended = 0
            with suppress(OSError):  # for want of a descriptor, say; the next may succeed
                ended = await pool.run(limit.sweep)
            await asyncio.sleep(SECONDS_IN_A_FLOOD if ended else SECONDS_BETWEEN_SWEEPS)
    finally:
        pool.close()


def _descriptors() -> list[int]:
    """The open descriptors of this process."""
    with os.scandir("/proc/self/fd") as entries:
        return [int(entry.name) for entry in entries]


def _accepted(port: int) -> Iterator[Connection]:
    """The connections of this process that were accepted on a port."""
    for descriptor in _descriptors():
        with suppress(OSError):  # closed by now, or no connected socket
            own, peer = _ends_of(descriptor)
            if own[1:2] == (port,) and len(peer) >= 2:
                yield Connection(descriptor, (peer[0], peer[1]))


def _ends_of(descriptor: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """Both addresses of a socket that others own: it stays open.

    Raises:
        OSError: It is no connected socket.
    """
    borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    try:
        return borrowed.getsockname(), borrowed.getpeername()
    finally:
        borrowed.detach()


def _idle_milliseconds(connection: Connection) -> int:
    """Since data went either way; 0 for a connection that has ended."""
    with suppress(OSError):
        borrowed = socket.socket(
            socket.AF_INET, socket.SOCK_STREAM, 0, fileno=connection.descriptor
        )
        try:
            info = borrowed.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_SIZE)
        finally:
            borrowed.detach()
        sent, received = _LAST_DATA.unpack_from(info)
        return min(int(sent), int(received))
    return 0


def _end(connection: Connection) -> bool:
    """Shut a connection down, if it is still this one; the server closes its descriptor."""
    with suppress(OSError), socket.socket(fileno=os.dup(connection.descriptor)) as duplicate:
        if duplicate.getpeername()[:2] == connection.peer:
            duplicate.shutdown(socket.SHUT_RDWR)
            return True
    return False


@lru_cache(4096)
def _client(address: str) -> str:
    """What a share is for: an IPv4 address, or the /56 of an IPv6 one."""
    parsed = parse_address(address)
    return network_prefix(address) if isinstance(parsed, IPv6Address) else str(parsed or address)
