"""Renders every page without writing any, and reports those that fail."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from jinja2 import TemplateError
from jinja2.exceptions import TemplateSyntaxError

from publishers.content.site_content import SiteContent
from publishers.pages import catalogue, digest_mail
from publishers.pages.html import pages_on_request
from publishers.templating.theme import TEMPLATES, Theme
from publishers.views.search.search import find

_FAILURES = (TemplateError, TypeError, ValueError, LookupError, AttributeError, OSError)


class RenderFailure(NamedTuple):
    """A page that cannot be rendered, where the template fails, and why."""

    page: str
    template: str
    reason: str


def render_checks(
    content: SiteContent, public_url: str
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each page, file and mail of the site by name, with what renders it."""
    for path in catalogue.page_paths(content):
        yield path, partial(catalogue.render, content, path, public_url)
    tools = content.tools()[:4]
    slugs = [tool.tool for tool in tools]
    yield "page not allowed", lambda: pages_on_request.render_not_allowed(public_url)
    yield "page out of order", lambda: pages_on_request.render_unavailable(public_url)
    yield "bookmarks", lambda: pages_on_request.render_bookmarks(content, public_url, tools)
    yield "search", lambda: _search(content, public_url, "a", slugs[:1])
    yield "no results", lambda: _search(content, public_url, "zzzzzz", [])
    yield "retired tool", lambda: pages_on_request.render_retired(content, public_url, tools[:1])
    for digest in content.digests()[:1]:
        yield "mail of a digest", partial(digest_mail.message, content, public_url, digest)


def _search(content: SiteContent, public_url: str, query: str, selected: list[str]) -> bytes:
    return pages_on_request.render_search(
        content, public_url, find(content.search_index(), query, selected)
    )


def check(name: str, render: Callable[[], object], theme: Theme) -> RenderFailure | None:
    """Render one page; None if that works."""
    try:
        render()
    except _FAILURES as error:
        return RenderFailure(name, _template_of(error, theme), str(error) or type(error).__name__)
    return None


def _template_of(error: Exception, theme: Theme) -> str:
    """File and line of the innermost template, from the theme's folder; empty if there is none."""
    if isinstance(error, TemplateSyntaxError):
        return _relative(error.filename or error.name or "", error.lineno, theme)
    template, trace = "", error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if f"/{TEMPLATES}/" in file and not file.endswith(".py"):
            template = _relative(file, trace.tb_lineno, theme)
        trace = trace.tb_next
    return template


def _relative(file: str, line: int, theme: Theme) -> str:
    return f"{file.removeprefix(f'{theme.folder}/')}:{line}"
