"""The port: a check that it is free, and the server on it."""

import errno
import socket

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.types import ASGIApp

from infra.errors import VerdictsError
from infra.settings import Settings
from streams.api.live.sse import MAX_CLIENTS

BACKLOG = 2048


class CannotListenError(VerdictsError):
    """The address cannot be used; the message is one sentence that says what to do."""


def create_server(app: ASGIApp, settings: Settings) -> Server:
    """Granian within this process, so that the process id is the server's."""
    return Server(
        app,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=BACKLOG,
        # Streams stay open, so they must not use up the capacity for short requests.
        backpressure=MAX_CLIENTS + BACKLOG,
        log_enabled=False,
    )


def require_free(host: str, port: int) -> None:
    """Bind the address once, since the server itself would silently share it with another one.

    Raises:
        CannotListenError: The port is taken, or the address does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error})"
        raise CannotListenError(
            f"{host}:{port} {reason}; set VERDICTS_PORT or VERDICTS_HOST to one that is free."
        ) from error
