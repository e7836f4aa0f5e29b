"""Jinja2, strict: HTML is escaped, and a name that a view does not give is an error."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from publishers import assets
from publishers.views.texts import count, shorten, xml_text


class Meta(NamedTuple):
    """What the head of a page says; `path` is canonical, and empty where there is none."""

    title: str
    description: str
    path: str
    kind: str = "website"


def page(template: str, public_url: str, meta: Meta, view: object = None) -> bytes:
    """One page as UTF-8 bytes.

    Args:
        template: File below `templates/`.
        public_url: Address of the site without a slash at its end.
        meta: What the head says.
        view: What the body shows, called `view` in the template.
    """
    meta = meta._replace(description=shorten(meta.description, 300))
    text = _environment().get_template(template).render(site=public_url, meta=meta, view=view)
    return text.encode()


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.globals |= {"asset": assets.address, "count": count}
    environment.filters |= {"url": quote, "xml_text": xml_text}
    return environment
