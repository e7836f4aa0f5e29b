"""Bodies of hostile requests: events, forms and JSON, with the fields that describe them."""

import gzip
import json
import random
import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote_plus

import msgspec

from schemas.events import Event
from tests.faults.harness.clients import envelope
from tests.faults.harness.hostile import values
from tests.faults.harness.hostile.routes import Target
from tests.harness.examples import EVERY_TYPE

EVENTS = "/v1/events"
MEDIA_TYPES = (
    "application/json", "application/json; charset=utf-8", "application/cloudevents+json",
    "application/cloudevents-batch+json", "application/x-www-form-urlencoded", "application/xml",
    "multipart/form-data; boundary=x", "text/plain", "application/vnd.x+json",
    "application/json;charset=utf-16",
)  # fmt: skip
BOMB_BYTES = 60_000_000

Fields = list[tuple[str, bytes]]


class HostileBodies:
    """Makes bodies.

    Args:
        subjects: Existing values by the names of an event's fields.
    """

    def __init__(self, subjects: Mapping[str, Sequence[str]]) -> None:
        self._subjects = subjects

    def make(self, chances: random.Random, target: Target) -> tuple[Fields, bytes]:
        """The body with the fields that describe it."""
        media_type = target.media_type
        fields: Fields = []
        if target.path == EVENTS:
            media_type, fields, body = self._events(chances)
        elif "form" in media_type:
            body = self._form(chances, target.example)
        else:
            body = _json_text(chances, self._mutated(chances, target.example))
        if chances.random() < 0.08:
            media_type = chances.choice(MEDIA_TYPES)
        if chances.random() < 0.1:
            coding, body = _coded(chances, body)
            fields.append(("Content-Encoding", coding))
        if media_type and chances.random() < 0.97:
            fields.append(("Content-Type", media_type.encode()))
        return fields, body

    def _events(self, chances: random.Random) -> tuple[str, Fields, bytes]:
        """Events in structured, batch or binary mode."""
        count = chances.choice((1, 1, 1, 2, 5, 501))
        events = [self._envelope(chances) for _ in range(count)]
        if chances.random() < 0.15:
            event = chances.choice(events)
            data = event.pop("data", None) if isinstance(event, dict) else event
            fields = [
                (f"ce-{name}", _field(str(value)))
                for name, value in (event.items() if isinstance(event, dict) else ())
                if re.fullmatch(r"[a-z]+", name)
            ]
            return "application/json", fields, _json_text(chances, data)
        if len(events) == 1 and chances.random() < 0.7:
            media_type = chances.choice(("application/json", "application/cloudevents+json"))
            return media_type, [], _json_text(chances, events[0])
        return "application/cloudevents-batch+json", [], _json_text(chances, events)

    def _envelope(self, chances: random.Random) -> Any:
        event = chances.choice(EVERY_TYPE)
        subjects = {
            name: chances.choice(slugs)
            for name, slugs in self._subjects.items()
            if isinstance(getattr(event.data, name, None), str) and name != "week"
        }
        data = msgspec.structs.replace(event.data, **subjects)
        unique = Event(f"{event.id}-{chances.randrange(10**9)}", event.time, data)
        plain = msgspec.to_builtins(envelope(unique))
        kind = chances.random()
        if kind < 0.3:
            plain["data"] = self._mutated(chances, plain["data"])
        return plain if kind < 0.6 else self._mutated(chances, plain)

    def _form(self, chances: random.Random, example: Any) -> bytes:
        fields = dict(example) if isinstance(example, dict) else {}
        for name in fields:
            known = self._subjects.get(name, ())
            choices = [*known, "ship", "skip", "none", "1", "0", values.text(chances)]
            fields[name] = chances.choice(choices)
        mutated = self._mutated(chances, fields) if chances.random() < 0.3 else fields
        pairs = mutated.items() if isinstance(mutated, dict) else [(str(mutated), "")]
        return "&".join(
            f"{quote_plus(str(name), errors='replace')}={quote_plus(str(value), errors='replace')}"
            for name, value in pairs
        ).encode()

    def _mutated(self, chances: random.Random, value: Any) -> Any:
        """The value with one part replaced, removed, added or wrapped."""
        kind = chances.random()
        if isinstance(value, dict) and value and kind < 0.85:
            name = chances.choice(list(value))
            changed = dict(value)
            if kind < 0.1:
                del changed[name]
            elif kind < 0.2:
                changed[values.text(chances)] = _anything(chances)
            else:
                changed[name] = self._mutated(chances, value[name])
            return changed
        if isinstance(value, list) and value and kind < 0.8:
            at = chances.randrange(len(value))
            return [*value[:at], self._mutated(chances, value[at]), *value[at + 1 :]]
        return _anything(chances)


def _anything(chances: random.Random) -> Any:
    """Any JSON value."""
    kind = chances.random()
    if kind < 0.5:
        return values.text(chances)
    if kind < 0.7:
        return chances.choice(values.NUMBERS)
    if kind < 0.8:
        return chances.choice((None, True, False))
    if kind < 0.9:
        return [_anything(chances) for _ in range(chances.choice((0, 1, 3)))]
    return {values.text(chances): _anything(chances) for _ in range(chances.choice((0, 1, 3)))}


def _json_text(chances: random.Random, value: Any) -> bytes:
    """JSON, most often valid."""
    text = json.dumps(value, ensure_ascii=chances.random() < 0.5)
    kind = chances.random()
    if kind < 0.85:
        return text.encode()
    if kind < 0.87:
        return chances.choice((b"[", b'{"a":', b'[{"a":[')) * chances.choice((100, 100_000))
    if kind < 0.89:
        return text.encode(chances.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")))
    if kind < 0.91:
        return text.replace(
            ":", chances.choice((": 1e400,", ": NaN,", ": -,", '::"\\ud800",'))
        ).encode()
    if kind < 0.93:
        return text.replace("{", '{"data":1,"data":2,"id":"\\ud800",', 1).encode()
    if kind < 0.95:
        at = chances.randrange(len(text) + 1)
        return text.encode()[:at] + chances.randbytes(chances.randrange(5)) + text.encode()[at:]
    if kind < 0.96:
        return b'"' + b"x" * chances.choice((5_000, 1_048_570, 1_048_580, 3_000_000)) + b'"'
    return chances.choice(
        (b"", b" ", b"null", b"0", b"[]", b"{}", b'""', text.encode()[:-1], b"\0")
    )


def _coded(chances: random.Random, body: bytes) -> tuple[bytes, bytes]:
    """The body under a content coding that may be a lie."""
    coding = chances.choice(
        (b"gzip", b"gzip", b"x-gzip", b"deflate", b"br", b"gzip, gzip", b"identity")
    )
    match chances.randrange(6):
        case 0:
            return coding, _bomb()
        case 1:
            return coding, gzip.compress(body)[: chances.randrange(30)]
        case 2:
            return coding, body
        case 3:
            return coding, zlib.compress(body)
        case 4:
            return coding, gzip.compress(body) * 3
        case _:
            return coding, gzip.compress(body)


def _field(value: str) -> bytes:
    """A text as the value of a header field."""
    return bytes(
        byte for byte in value.encode("utf-8", "replace") if byte >= 32 and byte != 127
    ).strip()


@cache
def _bomb() -> bytes:
    """A few kilobytes that inflate to much more than a request may hold."""
    return gzip.compress(b"[" + b" " * BOMB_BYTES, 9)
