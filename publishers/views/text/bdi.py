"""User texts as isolated HTML."""

from functools import lru_cache

from markupsafe import Markup, escape

from schemas.text.isolation import drop_isolates


@lru_cache(maxsize=8192)
def bdi(text: str) -> Markup:
    """The text as HTML in an isolating element."""
    return Markup("<bdi>%s</bdi>") % escape(drop_isolates(text))
