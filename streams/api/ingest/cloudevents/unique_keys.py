"""Events with a key that occurs more than once in one of their objects."""

from msgspec import Raw

from schemas.event_validation import InvalidEvent
from streams.api.strict_json.duplicate_keys import DuplicateKey, find_duplicate_key


def with_unique_keys(event: Raw, pointer: str = "") -> Raw | InvalidEvent:
    """The event, or why it is invalid.

    Args:
        event: In JSON, or a part of one.
        pointer: Leads to that part.
    """
    try:
        duplicate = find_duplicate_key(bytes(event))
    except ValueError as error:
        return InvalidEvent("malformed", f"Not readable as JSON: {error}.", pointer)
    except RecursionError:
        return InvalidEvent("malformed", "The event is nested too deeply.", pointer)
    return event if duplicate is None else duplicate_key_error(duplicate, pointer)


def duplicate_key_error(duplicate: DuplicateKey, pointer: str = "") -> InvalidEvent:
    """The error of an event with a duplicate key in the part to which `pointer` leads."""
    return InvalidEvent("duplicate-key", duplicate.detail, pointer + duplicate.pointer)
