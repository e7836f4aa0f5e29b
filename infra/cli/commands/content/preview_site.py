"""A preview: the pages as a push would leave them, served on this machine alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from jinja2 import Environment
from sqlalchemy import Engine

from infra.cli import loopback_server
from infra.cli.loopback_server import HTML, PreviewAnswer
from infra.settings import Settings
from projections.trial_projections import apply_events, trial_projections
from publishers.build.page_differences import PageDifferences, find_page_differences
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.web.site import Site
from schemas.events import Event

INDEX = "/-preview/"
"""The page that lists what differs; no page of a site has such a path."""

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
    with trial_projections(engine) as connection:
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
        with loopback_server.serving(_finder(site, preview), port) as origin:
            yield f"{origin}{INDEX}"


def _finder(site: Site, preview: Preview) -> Callable[[str], PreviewAnswer]:
    pages = preview.differences
    marked = [("new", pages.appear), ("changed", pages.change), ("gone", pages.go)]
    index = _TEMPLATE.render(marked=marked, differs=bool(pages)).encode()

    def find(path: str) -> PreviewAnswer:
        if path == INDEX:
            return PreviewAnswer(200, HTML, index)
        response = site.serve(path)
        return PreviewAnswer(response.status, response.media_type, response.body, response.location)

    return find
