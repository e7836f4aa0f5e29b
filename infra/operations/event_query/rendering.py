"""Events as JSON values for a program and as lines for a person."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from infra.operations.event_query.query import UNDECODABLE, FoundEvent
from schemas.events import Event
from schemas.time.instants import rfc3339
from schemas.topics import TOKEN_HEADER


def to_json(event: Event) -> dict[str, Any]:
    """An event as JSON values, in the form in which it was sent."""
    data = msgspec.to_builtins(event.data)
    source = {} if event.source is None else {"source": event.source}
    return {
        "id": event.id, **source, "type": event.type, "time": rfc3339(event.time), "data": data,
    }  # fmt: skip


def to_full_json(decoded: FoundEvent) -> dict[str, Any]:
    """An event with its offset, as JSON values; an undecodable one with its bytes.

    `token` is the id of the token that sent it, where the record says so.
    """
    record = decoded.record
    written = datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(
        timespec="milliseconds"
    )
    key = None if record.key is None else record.key.decode(errors="replace")
    position = {
        "topic": record.topic, "partition": record.partition, "offset": record.offset,
        "written": written.replace("+00:00", "Z"), "key": key,
    }  # fmt: skip
    sender = dict(record.headers).get(TOKEN_HEADER)
    if sender is not None:
        position["token"] = sender.decode(errors="replace")
    if decoded.event is not None:
        return {**position, **to_json(decoded.event)}
    return {**position, "type": UNDECODABLE, "reason": decoded.reason, "value": record.value}


def line(decoded: FoundEvent) -> str:
    """An event on one line of printable characters."""
    record = decoded.record
    position = f"{record.topic.split('.')[1]}/{record.partition}/{record.offset}"
    start = f"{rfc3339(decoded.time):<27}  {position:<18}  {decoded.type:<17}"
    if decoded.event is None:
        return f"{start}  {decoded.reason}"
    data = msgspec.to_builtins(decoded.event.data)
    given = {name: value for name, value in data.items() if value not in (None, [])}
    return f"{start}  {' '.join(f'{name}={_short(value)}' for name, value in given.items())}"


def _short(value: object) -> str:
    """A value in at most 40 characters: texts as they are, anything else as JSON."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    # Control characters would move the terminal's cursor.
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= 40 else f"{text[:39]}…"
