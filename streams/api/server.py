"""The serving process: real dependencies, one event loop, one port, a graceful end."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
import uvloop
from confluent_kafka import KafkaException
from granian.server.embed import Server

from infra.kafka.codec import Codec
from infra.kafka.producer import KafkaProducer
from infra.postgres.engine import create_engine
from infra.runtime import gc_tuning
from infra.runtime.blocking_pool import BlockingPool
from infra.settings import Settings
from streams.api.accounts.sessions.session_lookup import CachedSessions
from streams.api.accounts.transfers.log_ends import KafkaLogEnds
from streams.api.auth.hourly_counters import DatabaseCounter, SharedCounts
from streams.api.auth.tokens import CachedTokens
from streams.api.client_connection_limit import ClientConnectionLimit, enforce_limit
from streams.api.granian_server import (
    capacity_now,
    create_server,
    raise_descriptor_limit,
    require_free,
)
from streams.api.http.html_page import BarePageRenderer, PageRenderer
from streams.api.ingest.event_clock import now
from streams.api.live.changes_consumer import ChangesConsumer
from streams.api.live.checkpoint_loader import CheckpointLoader
from streams.api.live.notification_listener import NotificationListener
from streams.api.private_store import DatabasePrivateStore
from streams.api.read_model import READERS, DatabaseReadModel
from streams.api.routes import Site, application
from streams.api.status.status_probe import StatusProbe
from streams.api.wiring import Components, Dependencies, build

DRAIN_SECONDS = 6.0
EXIT_SECONDS = 2.0
CONNECT_SECONDS = 10.0

Ending = asyncio.Future[str]
"""Resolved with the reason to end, or an empty text for a signal."""

log = structlog.get_logger(__name__)


def main(
    settings: Settings,
    site: Site | None = None,
    codec: Codec | None = None,
    pages: PageRenderer | None = None,
    *,
    shares_port: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: With `kafka`, `database_url` and both keys.
        site: Creates the site, which answers every path outside the API.
        codec: Encodes with the ids of a schema registry; the pinned ids by default.
        pages: Renders pages of the API in the site's design; by default bare ones.
        shares_port: Whether other processes may listen on the port too.

    Raises:
        CannotListenError: The port is taken, or the address does not belong to this machine.
        SettingsError: A key is missing.
        SystemExit: With status 1 after a fatal error of the producer; a restart resolves it.
    """
    if not shares_port:
        require_free(settings.host, settings.port)
    raise_descriptor_limit()
    failure = uvloop.run(
        _serve_then_exit(settings.with_keys(), site, codec or Codec(), pages or BarePageRenderer())
    )
    if failure:
        sys.exit(1)


async def _serve_then_exit(
    settings: Settings, site: Site | None, codec: Codec, pages: PageRenderer
) -> str:
    failure = await serve(settings, site, codec, pages)
    if failure:
        log.error("ends to be started again", reason=failure)
    _exit_soon(status=1 if failure else 0)
    return failure


def _exit_soon(status: int) -> None:
    """End the process though threads may still wait for a server that hangs.

    Without this Python would join those threads for as long as the server hangs.
    """
    timer = threading.Timer(EXIT_SECONDS, os._exit, [status])
    timer.daemon = True
    timer.start()


async def serve(settings: Settings, site: Site | None, codec: Codec, pages: PageRenderer) -> str:
    """Serve until a signal or a failure; returns the failure, empty after a signal."""
    ending: Ending = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _end, ending, "")
    async with connect(settings, codec, pages, ending) as components:
        server = create_server(application(components, site), settings)
        gc_tuning.reduce_gc()
        log.info("listens", host=settings.host, port=settings.port)
        serving = asyncio.create_task(server.serve())
        limit = ClientConnectionLimit(settings.port, capacity_now(), components.proxies)
        sweeping = asyncio.create_task(enforce_limit(limit))
        await asyncio.wait({ending, serving}, return_when=asyncio.FIRST_COMPLETED)
        sweeping.cancel()
        components.health.closing = True
        components.sse_hub.close()
        await _drain(server, serving)
        _end(ending, "the server ended by itself")
    return ending.result()


@asynccontextmanager
async def connect(
    settings: Settings, codec: Codec, pages: PageRenderer, ending: Ending
) -> AsyncIterator[Components]:
    """The components on real servers, and the threads that keep them current."""
    async with AsyncExitStack() as stack:
        engine = create_engine(
            settings, name="verdicts api", pool_size=READERS, max_overflow=READERS
        )
        stack.callback(engine.dispose)
        read_model = DatabaseReadModel(engine)
        stack.callback(read_model.close)
        counter = DatabaseCounter(settings)
        stack.callback(counter.close)
        new_voters = SharedCounts(counter)
        stack.push_async_callback(new_voters.close)
        private = DatabasePrivateStore(engine)
        stack.callback(private.close)
        producer = KafkaProducer(settings, on_fatal=lambda reason: _end(ending, reason))
        stack.push_async_callback(producer.close)
        dependencies = Dependencies(
            tokens=CachedTokens.from_engine(engine),
            sessions=CachedSessions(engine),
            new_voters=new_voters,
            producer=producer,
            read_model=read_model,
            log_ends=KafkaLogEnds(settings),
            private=private,
            pages=pages,
            observer=StatusProbe(engine, settings, producer),
            codec=codec,
            clock=now,
        )
        components = build(settings, dependencies)
        hub, tallies, progress = components.sse_hub, components.tallies, components.progress
        consumer = ChangesConsumer(settings, codec, hub.publish, tallies.clear)
        stack.push_async_callback(consumer.close)
        checkpoints = CheckpointLoader(progress, read_model)
        stack.callback(checkpoints.stop)
        listener = NotificationListener(settings, progress.apply, checkpoints.restart)
        stack.push_async_callback(listener.close)
        transferring = asyncio.create_task(components.transfers.run_for_ever())
        stack.callback(transferring.cancel)
        connecting = asyncio.create_task(_connect_producer(producer))
        stack.callback(connecting.cancel)
        yield components


def _end(ending: Ending, reason: str) -> None:
    if not ending.done():
        ending.set_result(reason)


async def _drain(server: Server, serving: "asyncio.Task[None]") -> None:
    """Stop listening, and wait up to 6 s for requests under way."""
    server.stop()  # type: ignore[no-untyped-call]
    try:
        await asyncio.wait_for(serving, DRAIN_SECONDS)
    except TimeoutError:
        log.warning("some requests were cut off")


async def _connect_producer(producer: KafkaProducer) -> None:
    """Connect before the first vote has to wait for it."""
    try:
        await BlockingPool(1, "connect", timeout=None).run(producer.connect, CONNECT_SECONDS)
    except KafkaException as error:
        log.warning("the broker does not answer yet", reason=str(error))
