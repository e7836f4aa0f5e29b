"""The port: a check that it is free, and the server on it."""

import errno
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings, HTTP2Settings
from granian.server.embed import Server
from starlette.types import ASGIApp

from infra.errors import VerdictsError
from infra.settings import Settings

BACKLOG = 2048
DESCRIPTORS = 65_536
"""Descriptors to ask for: one for each connection, and the reserve."""
FEW_DESCRIPTORS = 8192
RESERVED_DESCRIPTORS = 512
"""Descriptors for files, brokers and the database."""
HEAD_SECONDS = 15.0
KEEP_ALIVE_SECONDS = 15
MAX_HEAD_BYTES = 64 * 1024
MAX_CONCURRENT_STREAMS = 100

log = structlog.get_logger(__name__)


class CannotListenError(VerdictsError):
    """The address cannot be used; the message is one sentence that says what to do."""


def create_server(app: ASGIApp, settings: Settings, head_seconds: float = HEAD_SECONDS) -> Server:
    """Granian within this process, so that the process id is the server's.

    Args:
        app: The application.
        settings: Where to listen, and whether to take HTTP/2.
        head_seconds: How long a connection may be silent, or take to send a request's head.
    """
    head_milliseconds = int(head_seconds * 1000)
    return Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        # Where HTTP/2 is possible, the server waits for a first byte without a timeout.
        http=HTTPModes.auto if settings.http2 else HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=head_milliseconds, max_buffer_size=MAX_HEAD_BYTES
        ),
        http2_settings=HTTP2Settings(
            keep_alive_interval=head_milliseconds,
            keep_alive_timeout=KEEP_ALIVE_SECONDS,
            max_concurrent_streams=MAX_CONCURRENT_STREAMS,
            max_headers_size=MAX_HEAD_BYTES,
        ),
        backlog=BACKLOG,
        # Below the descriptors, so that accepting never fails for want of one.
        backpressure=capacity_now(),
        log_enabled=False,
    )


def connection_capacity(descriptors: int) -> int:
    """How many connections may be open at once; further ones wait to be accepted."""
    return max(descriptors - RESERVED_DESCRIPTORS, descriptors // 2)


def descriptors_to_ask_for(soft: int, hard: int) -> int:
    """The soft limit of open files to set: up to `DESCRIPTORS`, and no less than now."""
    if resource.RLIM_INFINITY in (soft, hard):
        return DESCRIPTORS
    return max(soft, min(hard, DESCRIPTORS))


def raise_descriptor_limit() -> None:
    """Raise the process's soft limit of open files, and warn where it stays low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = descriptors_to_ask_for(soft, hard)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    if descriptors < FEW_DESCRIPTORS:
        log.warning(
            "few connections can be open at once; raise the hard limit of open files (ulimit -Hn)",
            connections=connection_capacity(descriptors),
        )


def capacity_now() -> int:
    """`connection_capacity` of this process."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connection_capacity(
        DESCRIPTORS if soft == resource.RLIM_INFINITY else min(soft, DESCRIPTORS)
    )


def require_free(host: str, port: int) -> None:
    """Bind the address once, since the server itself would silently share it with another one.

    Raises:
        CannotListenError: The port is taken, or the address does not belong to this machine.
    """
    _bound(host, port, socket.SO_REUSEADDR).close()


@contextmanager
def reserved(host: str, port: int) -> Iterator[None]:
    """Keep the address from others but those that share it, before the first of them listens.

    Raises:
        CannotListenError: As `require_free`.
    """
    require_free(host, port)
    with _bound(host, port, socket.SO_REUSEPORT):  # it does not listen, so it gets no connection
        yield


def _bound(host: str, port: int, option: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
        raise CannotListenError(
            f"{host}:{port} {reason}; set VERDICTS_PORT or VERDICTS_HOST to one that is free."
        ) from error
    return bound
