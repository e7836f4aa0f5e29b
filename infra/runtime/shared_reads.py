"""Reads shared by all who ask at the same time.

However many callers there are, one read is under way and one waits. A caller never gets a result
that was read before it asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BatchedReads(Generic[K, V]):
    """Reads values by key: keys that are asked for during one read are read by the next.

    Args:
        read: Reads the values of distinct keys; keys without a value may be left out.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._requested: dict[K, list[asyncio.Future[V | None]]] = {}
        self._reader: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether no read is under way and none waits."""
        return self._reader is None

    async def get(self, key: K) -> V | None:
        """The value as it is at some moment after this call; None where there is none.

        Raises:
            Exception: what the read raises; every caller whose key it read gets the same.
        """
        return await self.request(key)

    async def get_all(self, keys: Iterable[K]) -> list[V | None]:
        """The values as `get` gives them, in the order of the keys; one read reads all.

        Raises:
            Exception: as `get`.
        """
        requests = list(map(self.request, keys))
        return [await request for request in requests]

    def request(self, key: K) -> "asyncio.Future[V | None]":
        """A future of what `get` gives; the caller may cancel it, since nobody else has it."""
        future: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._requested.setdefault(key, []).append(future)
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_requested())
        return future

    async def _read_requested(self) -> None:
        try:
            while self._requested:
                requests, self._requested = self._requested, {}
                await self._read_batch(requests)
        finally:
            self._reader = None

    async def _read_batch(self, requests: "dict[K, list[asyncio.Future[V | None]]]") -> None:
        try:
            values = await self._read(list(requests))
        except Exception as error:  # every caller gets it; the next read may succeed
            for future in _waiting(requests.values()):
                future.set_exception(error)
                future.exception()  # its caller may be gone
            return
        for key, futures in requests.items():
            for future in _waiting([futures]):
                future.set_result(values.get(key))


def _waiting(
    requests: "Iterable[Iterable[asyncio.Future[V | None]]]",
) -> "Iterator[asyncio.Future[V | None]]":
    """The futures that nobody has cancelled."""
    return (future for futures in requests for future in futures if not future.done())


class SharedRead(Generic[V]):
    """Reads one value for all who ask.

    Args:
        read: Reads the value.
    """

    def __init__(self, read: Callable[[], Awaitable[V]]) -> None:
        async def read_batch(_: list[None]) -> Mapping[None, V]:
            return {None: await read()}

        self._reads: BatchedReads[None, V] = BatchedReads(read_batch)

    @property
    def idle(self) -> bool:
        """Whether no read is under way and none waits."""
        return self._reads.idle

    async def get(self) -> V:
        """The value as it is at some moment after this call.

        Raises:
            Exception: what the read raises; every caller that shares it gets the same.
        """
        return await self._reads.get(None)  # type: ignore[return-value]
