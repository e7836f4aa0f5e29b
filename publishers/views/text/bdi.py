"""User texts as isolated HTML."""

from markupsafe import Markup, escape

from publishers.render_cache import part_cache
from schemas.text.isolation import drop_controls, drop_isolates


@part_cache.by_value
def bdi(text: str) -> Markup:
    """The text as HTML in an isolating element."""
    return Markup("<bdi>%s</bdi>") % escape(drop_controls(drop_isolates(text)))
