"""The process that serves: real parts, one event loop, one port, a tidy end."""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from confluent_kafka import KafkaException
from granian.constants import Interfaces
from granian.server.embed import Server
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from infra.errors import VerdictsError
from infra.kafka.codec import Codec
from infra.kafka.producer import KafkaProducer
from infra.postgres.engine import create_engine
from infra.runtime import gc_tuning
from infra.settings import Settings
from streams.api.auth.tokens import CachedTokens
from streams.api.ingest.event_clock import now
from streams.api.live.changes_consumer import ChangesConsumer
from streams.api.live.progress import RETRY_SECONDS, NotificationListener, Progress
from streams.api.live.sse import MOST_CLIENTS
from streams.api.read_model import READERS, DatabaseReadModel, ReadModel
from streams.api.routes import Site, application
from streams.api.status.pipeline_status import StatusProbe
from streams.api.wiring import Components, Dependencies, build

DRAIN_SECONDS = 6.0
EXIT_SECONDS = 2.0
BACKLOG = 2048

log = structlog.get_logger(__name__)


class CannotListenError(VerdictsError):
    """The address cannot be had; the message is one sentence that says what to do."""


def main(settings: Settings, site: Site | None = None, codec: Codec | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: With `kafka`, `database_url` and both keys.
        site: Makes what answers every path that is not the API's.
        codec: Writes the ids of a schema registry; the pinned ones by default.

    Raises:
        CannotListenError: The port is taken, or the address is not of this machine.
        SettingsError: A key is missing.
        SystemExit: With status 1 when the producer failed for good, to be started again.
    """
    require_free(settings.host, settings.port)
    failure = asyncio.run(_served(settings.with_keys(), site, codec or Codec()))
    if failure:
        sys.exit(1)


async def _served(settings: Settings, site: Site | None, codec: Codec) -> str:
    """Serve, and let nothing that is left hold the process up."""
    failure = await serve(settings, site, codec)
    if failure:
        log.error("ends to be started again", reason=failure)
    _end_soon(status=1 if failure else 0)
    return failure


def _end_soon(status: int) -> None:
    """End the process though threads may still wait for a server that hangs.

    Nobody waits for them any more, but Python would, for as long as the server hangs.
    """
    timer = threading.Timer(EXIT_SECONDS, os._exit, [status])
    timer.daemon = True
    timer.start()


async def serve(settings: Settings, site: Site | None, codec: Codec) -> str:
    """Serve until a signal; returns why it had to end otherwise, or an empty text."""
    ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _end, ending, "")
    async with running(settings, codec, ending) as parts:
        server = listener(application(parts, site), settings)
        gc_tuning.reduce_gc()
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({ending, serving}, return_when=asyncio.FIRST_COMPLETED)
        parts.health.closing = True
        parts.hub.close()
        await _drained(server, serving)
        _end(ending, "the server ended by itself")
    return ending.result()


@asynccontextmanager
async def running(
    settings: Settings, codec: Codec, ending: "asyncio.Future[str]"
) -> AsyncIterator[Components]:
    """The parts on real servers, and the threads that keep them current."""
    async with AsyncExitStack() as stack:
        database = create_engine(
            settings, name="verdicts api", pool_size=READERS, max_overflow=READERS
        )
        stack.callback(database.dispose)
        library = DatabaseReadModel(database)
        stack.callback(library.close)
        producer = KafkaProducer(settings, on_fatal=lambda reason: _end(ending, reason))
        stack.push_async_callback(producer.close)
        outside = Dependencies(
            tokens=CachedTokens.of(database),
            producer=producer,
            library=library,
            observer=StatusProbe(database, settings),
            codec=codec,
            clock=now,
        )
        parts = build(settings, outside)
        feed = ChangesConsumer(settings, codec, parts.hub.changed, parts.standings.clear)
        stack.push_async_callback(feed.close)
        catch_up = _CatchUp(parts.progress, library)
        stack.callback(catch_up.stop)
        heard = NotificationListener(settings, parts.progress.note, catch_up.begin)
        stack.push_async_callback(heard.close)
        warming = asyncio.create_task(_warm(producer))
        stack.callback(warming.cancel)
        yield parts


def listener(app: ASGIApp, settings: Settings) -> Server:
    """Granian inside this process, so that the process's id is the server's."""
    return Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=BACKLOG,
        # Streams stay open, so they must not use up what short requests need.
        backpressure=MOST_CLIENTS + BACKLOG,
        log_enabled=False,
    )


def require_free(host: str, port: int) -> None:
    """Try the address, since the server itself would share it with another one silently.

    Raises:
        CannotListenError: The port is taken, or the address is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
        raise CannotListenError(
            f"{host}:{port} {why}; set VERDICTS_PORT or VERDICTS_HOST to one that is free."
        ) from error


class _CatchUp:
    """Reads how far everything is after a (re)connect; what was said meanwhile is lost."""

    def __init__(
        self, progress: Progress, library: ReadModel, pause: float = RETRY_SECONDS
    ) -> None:
        self._progress = progress
        self._library = library
        self._pause = pause
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Read once more; what is being read may be older than the connection."""
        self.stop()
        self._progress.listening()
        self._task = asyncio.create_task(self._read())

    def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        while True:
            try:
                return self._progress.read(await self._library.applied())
            except SQLAlchemyError as error:
                log.warning("the checkpoints cannot be read", reason=str(error))
                await asyncio.sleep(self._pause)


def _end(ending: "asyncio.Future[str]", reason: str) -> None:
    if not ending.done():
        ending.set_result(reason)


async def _drained(server: Server, serving: "asyncio.Task[None]") -> None:
    """Stop listening, and wait a while for the answers that are under way."""
    server.stop()  # type: ignore[no-untyped-call]
    try:
        await asyncio.wait_for(serving, DRAIN_SECONDS)
    except TimeoutError:
        log.warning("some requests were cut off")


async def _warm(producer: KafkaProducer) -> None:
    """Connect before the first vote has to wait for it."""
    try:
        await asyncio.to_thread(producer.connect, 10)
    except KafkaException as error:
        log.warning("the broker does not answer yet", reason=str(error))
