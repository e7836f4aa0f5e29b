"""Jinja2 in strict mode: HTML is escaped, and an undefined name is an error."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)
from markupsafe import Markup

from publishers.render_cache import part_cache
from publishers.templating import assets, theme
from publishers.templating.theme import TEMPLATES, Theme
from publishers.views import json_ld
from publishers.views.text.bdi import bdi
from publishers.views.text.formatting import (
    DEMO_NOTICE,
    count,
    number,
    plural,
    shorten,
    wrapped,
    xml_text,
)
from publishers.views.text.markdown_escape import escape_block, escape_inline
from schemas.text.isolation import drop_controls, isolate


class Meta(NamedTuple):
    """The head of a page.

    Attributes:
        title: Without the site's name.
        description: Cut to 300 characters.
        path: The canonical path; empty if there is none.
        kind: The Open Graph type.
        feed: The path of the page's own feed.
        alternates: Whether `index.json` and `index.md` exist in the page's folder.
        graph: The nodes of its linked data.
        digest: The path of the newest digest.
        modified: When its content last changed, as RFC 3339; empty if it does not say.
        demo: Whether the page shows invented content, so that it says so.
        card: The address of its social card, without the site; empty if it has none.
    """

    title: str
    description: str
    path: str
    kind: str = "website"
    feed: str = ""
    alternates: bool = False
    graph: Sequence[dict[str, Any]] = ()
    digest: str = ""
    modified: str = ""
    demo: bool = False
    card: str = ""


def page(template: str, public_url: str, meta: Meta, view: object = None) -> bytes:
    """One page as UTF-8 bytes.

    Args:
        template: File in `templates/`.
        public_url: Address of the site without a trailing slash.
        meta: The head of the page.
        view: The body of the page, called `view` in the template.
    """
    meta = meta._replace(description=shorten(meta.description, 300))
    graph = json_ld.script(public_url, meta.graph) if meta.graph else ""
    text = (
        _environment(theme.current())
        .get_template(template)
        .render(site=public_url, meta=meta, graph=graph, view=view)
    )
    return text.encode()


@part_cache.by_value
def once(macro: Callable[..., Markup], *arguments: Hashable) -> Markup:
    """The cached output of a macro, which must depend on its arguments alone.

    A tool's card and reviews are the same in dozens of comparisons, so they are rendered once.
    """
    return macro(*arguments)


def _loader(theme: Theme) -> BaseLoader:
    """The theme's templates before ours; `ours/base.html` is ours in any case."""
    ours = FileSystemLoader(Path(__file__).parents[1] / TEMPLATES)
    folder = theme.file(TEMPLATES)
    first = [FileSystemLoader(folder)] if folder else []
    return ChoiceLoader([*first, ours, PrefixLoader({"ours": ours})])


def _clean(value: object) -> object:
    """A text without control characters; HTML, which was made from such texts, stays as it is.

    Macros wrap one another's HTML, so it would be searched again and again.
    """
    return value if isinstance(value, Markup) else drop_controls(value)


@part_cache.by_value
def _environment(theme: Theme) -> Environment:
    environment = Environment(
        loader=_loader(theme),
        # Markdown is not escaped as HTML: its templates use `inline` and `quoted`.
        autoescape=select_autoescape(disabled_extensions=("md", "txt"), default=True),
        undefined=StrictUndefined,
        finalize=_clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals |= {
        "asset": assets.address,
        "count": count,
        "demo_notice": DEMO_NOTICE,
        "number": number,
        "plural": plural,
        "theme": theme,
    }
    environment.filters |= {"inline": escape_inline, "quoted": escape_block, "url": quote}
    environment.filters |= {"bdi": bdi, "isolate": isolate}
    environment.filters |= {"once": once, "wrapped": wrapped, "xml_text": xml_text}
    return environment
