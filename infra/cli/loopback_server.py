"""A preview in the browser: pages that are served on this machine alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import click

from infra.cli.options import answer

_HOSTS = {"127.0.0.1", "localhost"}
HTML, TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"

port_option: Callable[[Any], Any] = click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="On which to serve; 0: a free one."
)


class PreviewAnswer(NamedTuple):
    """What is answered to a path; `location` is that of a redirect."""

    status: int
    media_type: str
    body: bytes
    location: str = ""


NOT_FOUND = PreviewAnswer(404, TEXT, b"This preview has no such page.")


@contextmanager
def serving(find: Callable[[str], PreviewAnswer], port: int) -> Iterator[str]:
    """Serve on the loopback interface; yields the origin, such as `http://127.0.0.1:8099`.

    Args:
        find: The answer to a path.
        port: 0 chooses a free one.
    """
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(find))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="preview", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def show_until_interrupt(title: str, address: str, as_json: bool) -> None:
    """Print the address of what is served, and wait for Ctrl-C."""
    answer({"url": address}, as_json, f"{title}: {address}")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        click.echo()


def _handler(find: Callable[[str], PreviewAnswer]) -> type[BaseHTTPRequestHandler]:
    class PreviewHandler(BaseHTTPRequestHandler):
        """Answers GET and HEAD; a preview takes no votes."""

        def do_GET(self) -> None:
            # A page of another site must not read the preview under a name of its own.
            if self.headers.get("Host", "").partition(":")[0] not in _HOSTS:
                self._answer(PreviewAnswer(421, TEXT, b"Open the address of the preview."))
                return
            self._answer(find(unquote(urlsplit(self.path).path)))

        do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        def _answer(self, answer: PreviewAnswer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.send_header("Cache-Control", "no-store")
            if answer.location:
                self.send_header("Location", answer.location)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Keep the terminal for the commands."""

    return PreviewHandler
