"""A preview: the pages as a push would leave them, served on this machine alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

import msgspec
from jinja2 import Environment
from sqlalchemy import Engine

from infra.settings import Settings
from projections.scratch import apply_events, scratch_projections
from publishers.build.page_differences import PageDifferences, find_page_differences
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.web.site import Site
from schemas.events import Event

INDEX = "/-preview/"
"""The page that lists what differs; no page of a site has such a path."""

_HOSTS = {"127.0.0.1", "localhost"}
_TEMPLATE = Environment(autoescape=True).from_string("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Preview</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td { padding: .2rem 1rem .2rem 0; vertical-align: top }
code { overflow-wrap: anywhere }
</style>
<h1>Preview</h1>
{% if differs %}
<p>Nothing of this is published yet. <a href="/">The whole site</a> is here as it would be.</p>
<table>
{% for mark, paths in marked if paths %}{% for path in paths %}
<tr><td>{{ mark }}<td>{% if mark == "gone" %}<code>{{ path }}</code>
{%- else %}<a href="{{ path }}"><code>{{ path }}</code></a>{% endif %}
{% endfor %}{% endfor %}
</table>
{% else %}
<p>The files say what the site shows. <a href="/">The site</a></p>
{% endif %}
</html>
""")


class Preview(msgspec.Struct, frozen=True):
    """The content as it would be, and the pages that differ from those of now."""

    content: InMemoryContent
    differences: PageDifferences


def make_preview(engine: Engine, events: Sequence[Event], public_url: str) -> Preview:
    """Fold events over a snapshot of the projections; nothing is written.

    Args:
        engine: The database of the projections.
        events: What a push would send, with the times that it would give.
        public_url: The site's address, as its pages name it.
    """
    with scratch_projections(engine) as connection:
        before = content_cache.load(connection)
        apply_events(connection, events)
        after = content_cache.load(connection)
    return Preview(after, find_page_differences(before, after, public_url))


@contextmanager
def serving(preview: Preview, settings: Settings, port: int) -> Iterator[str]:
    """Serve a preview on the loopback interface; yields the address of its index.

    Args:
        preview: What to serve.
        settings: With the site's public address.
        port: 0 chooses a free one.
    """
    with TemporaryDirectory(prefix="verdicts-preview-") as folder:
        # No page is stored there, so that each is rendered from the preview's content.
        empty = msgspec.structs.replace(settings, data=Path(folder))
        site = Site(empty, lambda: nullcontext(preview.content))
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(site, preview))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="preview", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{INDEX}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(site: Site, preview: Preview) -> type[BaseHTTPRequestHandler]:
    pages = preview.differences
    marked = [("new", pages.appear), ("changed", pages.change), ("gone", pages.go)]
    index = _TEMPLATE.render(marked=marked, differs=bool(pages)).encode()

    class PreviewHandler(BaseHTTPRequestHandler):
        """Answers GET and HEAD; the preview takes no votes."""

        def do_GET(self) -> None:
            # A page of another site must not read the preview under a name of its own.
            if self.headers.get("Host", "").partition(":")[0] not in _HOSTS:
                self._answer(421, "text/plain; charset=utf-8", b"Open the address of the preview.")
                return
            path = unquote(urlsplit(self.path).path)
            if path == INDEX:
                self._answer(200, "text/html; charset=utf-8", index)
                return
            response = site.serve(path)
            self._answer(response.status, response.media_type, response.body, response.location)

        do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        def _answer(self, status: int, media_type: str, body: bytes, location: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Keep the terminal for the commands."""

    return PreviewHandler
