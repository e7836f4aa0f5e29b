"""Lists in pages: `limit`, `cursor`, and the `Link` to the next page."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from schemas.fields import SLUG_PATTERN, WEEK_PATTERN
from streams.api.http.problems import Problem
from streams.api.http.responses import respond
from streams.api.reading.bodies import Items

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
SLUG = re.compile(SLUG_PATTERN)
CURSOR_PATTERN = rf"(?:^\Z|{SLUG_PATTERN})"
WEEK_CURSOR_PATTERN = rf"(?:^\Z|{WEEK_PATTERN})"
_CURSOR = re.compile(CURSOR_PATTERN)
WEEK_CURSOR = re.compile(WEEK_CURSOR_PATTERN)
T = TypeVar("T")


def read_limit(request: Request) -> int:
    """The requested number of items, at most 200.

    Raises:
        Problem: 400.
    """
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and int(text[:9]) >= 1):
        raise Problem(400, f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return min(int(text[:9]), MAX_LIMIT)


def read_cursor(request: Request, pattern: re.Pattern[str] = _CURSOR) -> str:
    """The last key of the previous page; empty on the first page.

    Raises:
        Problem: 400.
    """
    cursor: str = request.query_params.get("cursor", "")
    if not pattern.match(cursor):
        raise Problem(400, "cursor is invalid: follow the Link of the previous page.")
    return cursor


def paginate(
    request: Request, items: list[T], key: Callable[[T], str], *, sorted_by_key: bool = True
) -> Response:
    """The requested page of a complete list."""
    limit, last = read_limit(request), read_cursor(request)
    if sorted_by_key:
        remaining = [item for item in items if key(item) > last]
    else:
        index = next((index for index, item in enumerate(items) if key(item) == last), -1)
        remaining = items[index + 1 :]
    return page_response(request, remaining[: limit + 1], limit, key)


def page_response(
    request: Request, items: Sequence[T], limit: int, key: Callable[[T], str]
) -> Response:
    """At most `limit` of the items, with a `Link` to the next page when there are more."""
    page = items[:limit]
    headers = {}
    if len(items) > limit:
        query = urlencode({"limit": limit, "cursor": key(page[-1])})
        headers["Link"] = f'<{request.scope["path"]}?{query}>; rel="next"'
    return respond(request, Items(page), headers=headers)  # type: ignore[arg-type]
