"""Which addresses a browser can open."""

import re
from functools import lru_cache

from schemas.text.patterns import WEB_ADDRESS_PATTERN

_WEB_ADDRESS = re.compile(WEB_ADDRESS_PATTERN)


@lru_cache(maxsize=4096)
def is_web_address(text: str) -> bool:
    """Whether a text is an http or https address with a possible host and port."""
    return _WEB_ADDRESS.match(text) is not None
