"""`/docs`: the same for people, on one page without scripts."""

import json
from inspect import getdoc
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from schemas.events import EVENT_TYPES
from streams.api.http.html_page import html_page
from streams.api.openapi.document import document
from streams.api.openapi.operations import OPERATIONS


async def get_docs(_: Request) -> Response:
    """`GET /docs`."""
    return html_page("docs.html", operations=OPERATIONS, events=_events())


def _events() -> list[dict[str, Any]]:
    """The events that a client may send."""
    schemas = document()["components"]["schemas"]
    return [
        {
            "type": event_type,
            "role": data.role,
            "summary": getdoc(data),
            "schema": json.dumps(schemas[data.__name__], indent=2),
        }
        for event_type, data in EVENT_TYPES.items()
        if data.role != "system"
    ]
