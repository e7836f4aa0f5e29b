"""What a request to send events asks for, beside the events: media type, dry run, wait."""

import re
from collections.abc import Mapping, Sequence

from streams.api.http.problems import Problem
from streams.api.http.responses import JSON
from streams.api.ingest.cloudevents.binary_mode import is_binary
from streams.api.ingest.cloudevents.structured_mode import JSON_TYPE_PATTERN

MAX_WAIT_SECONDS = 30
BATCH = "application/cloudevents-batch+json"
STRUCTURED = {BATCH, "application/cloudevents+json"}

_JSON_TYPE = re.compile(JSON_TYPE_PATTERN)
_WAIT = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?0*(\d+)\"?\s*(?:$|[,;])", re.IGNORECASE)


def require_content_type(headers: Mapping[bytes, bytes]) -> str:
    """The media type without parameters; in binary mode it is the data's, and may be left out."""
    text = headers.get(b"content-type", b"").decode("latin-1")
    content_type = text.partition(";")[0].strip().lower()
    if content_type in (*STRUCTURED, JSON):
        return content_type
    if is_binary(headers) and (not text or _JSON_TYPE.match(content_type)):
        return content_type
    raise Problem(415, f"Send one of {', '.join(sorted((*STRUCTURED, JSON)))}.")


def read_dry_run(values: Sequence[str]) -> bool:
    """Whether the request is a dry run; a value that could mean one writes nothing.

    Raises:
        Problem: 400 when the value is neither 1 nor 0.
    """
    if set(values) <= {"0"}:
        return False
    if set(values) == {"1"}:
        return True
    raise Problem(400, "dry_run is 1 (answer and write nothing) or 0.")


def preferred_wait(preferences: Sequence[str]) -> int:
    """The seconds of `Prefer: wait=…` (RFC 7240), at most 30; 0 without it."""
    match = _WAIT.search(",".join(preferences))
    return min(int(match[1][:3]), MAX_WAIT_SECONDS) if match else 0
