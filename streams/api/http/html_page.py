"""HTML pages of the API itself, from the templates of this package."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import HTMLResponse

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
