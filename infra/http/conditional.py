"""Conditional requests (RFC 9110, section 13)."""

from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime


def is_unchanged(
    if_none_match: str | None, if_modified_since: str | None, etag: str, modified: int | None
) -> bool:
    """Whether the client has the present representation, so that 304 answers it.

    Args:
        if_none_match: Decides alone where it is sent.
        if_modified_since: An HTTP date; any other text counts as not sent.
        etag: Of the present representation.
        modified: When it was last modified, in seconds since 1970; None where that is not known.
    """
    if if_none_match is not None:
        return etag_matches(if_none_match, etag)
    since = parse_http_date(if_modified_since or "")
    return modified is not None and since is not None and modified <= since


def etag_matches(if_none_match: str | None, etag: str) -> bool:
    """Whether `If-None-Match` names this entity tag: by weak comparison, or as `*`."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or tags == ["*"]


def http_date(seconds: int) -> str:
    """A time since 1970 as in `Last-Modified`, such as `Fri, 20 Nov 2026 10:00:00 GMT`."""
    return formatdate(seconds, usegmt=True)


def parse_http_date(text: str) -> int | None:
    """Seconds since 1970 of an HTTP date in any of its three forms; None for any other text."""
    try:
        date = parsedate_to_datetime(text)
        return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
