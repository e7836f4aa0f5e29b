"""Routes that match a whole path."""

import re
from typing import Any

from starlette.routing import Route


class ExactRoute(Route):
    """A route whose path ends where its pattern ends: `$` alone would let a line break follow."""

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        super().__init__(path, *arguments, **options)
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z")
