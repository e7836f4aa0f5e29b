"""HTML pages of the API: bare ones from this package, and those in the site's design."""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from infra.http.page_headers import PAGE_HEADERS
from schemas.text.isolation import drop_controls, isolate

_environment = Environment(
    loader=PackageLoader("streams.api"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=drop_controls,
    trim_blocks=True,
    lstrip_blocks=True,
)
_code_spans = MarkdownIt("zero").enable("backticks")
_environment.filters["isolate"] = isolate
_environment.filters["code_spans"] = lambda text: Markup(_code_spans.renderInline(text))  # noqa: S704 - escapes its input


_OWN_PAGE = {
    **PAGE_HEADERS,
    # Addresses of these pages hold tokens: other sites learn nothing of them.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageRenderer(Protocol):
    """Renders pages in the site's design; the command line passes the one of `publishers`."""

    def __call__(self, template: str, title: str, view: Mapping[str, object]) -> bytes:
        """The page as UTF-8.

        Args:
            template: A file in the site's templates, such as `subscriptions/sent.html`.
            title: Without the site's name.
            view: What the template shows; values are escaped.
        """
        ...


class BarePageRenderer:
    """Renders title and values alone: for an API without a site, and for tests."""

    def __call__(self, template: str, title: str, view: Mapping[str, object]) -> bytes:
        """The page; see `PageRenderer`."""
        values = "".join(f"<p>{escape(name)}: {escape(value)}</p>" for name, value in view.items())
        return f"<!-- {escape(template)} --><h1>{escape(title)}</h1>{values}".encode()


def site_page(content: bytes, status: int = 200) -> HTMLResponse:
    """A page by a `PageRenderer`, for one visitor alone: never stored, nowhere shared."""
    return HTMLResponse(content, status, _OWN_PAGE)


def render(template: str, **context: Any) -> str:
    """The template as text; values are escaped."""
    return _environment.get_template(template).render(**context)


def html_page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page without scripts; its head holds the only style sheet."""
    return HTMLResponse(render(template, style=_style(), **context), status, _headers())


@cache
def _style() -> str:
    return render("style.css")


@cache
def _headers() -> dict[str, str]:
    style_hash = b64encode(sha256(_style().encode()).digest()).decode()
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{style_hash}'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
