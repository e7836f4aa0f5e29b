"""The JSON schema of what `POST /v1/events` accepts: CloudEvents, one for each type."""

from collections.abc import Mapping
from inspect import getdoc
from typing import Any

import msgspec

from schemas.events import EVENT_TYPES, Data
from streams.api.ingest.cloudevents.structured_mode import MAX_EVENTS, Attributes

CLIENT_EVENTS: Mapping[str, type[Data]] = {
    event_type: data for event_type, data in EVENT_TYPES.items() if data.role != "system"
}
"""The types that a client may send."""

ONE_OR_MANY = ("application/json", "application/cloudevents+json")
BATCH = "application/cloudevents-batch+json"
_EVENT = {"$ref": "#/components/schemas/Event"}
_EXTENSION = r"^[a-z0-9]{1,20}\Z"
_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+\-][0-9]{2}:[0-9]{2})\Z"
)
_USED = ("specversion", "id", "time", "source", "datacontenttype")


class AnyEvent:
    """Stands for the body of `POST /v1/events`, whose schema is made here."""


def components() -> dict[str, Any]:
    """The schemas of events by their names; the schemas of data stand beside them."""
    attributes = _attributes()
    single = {f"{data.__name__}Event": _event(data, attributes) for data in CLIENT_EVENTS.values()}
    refs = {name: f"#/components/schemas/{name}" for name in single}
    event = {
        "title": "Event",
        "description": "A CloudEvent. Its type says what its data holds.",
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                event_type: refs[f"{data.__name__}Event"]
                for event_type, data in CLIENT_EVENTS.items()
            },
        },
    }
    return {"Event": event, **single}


def body() -> dict[str, Any]:
    """The schemas of the body by media type."""
    # Larger ones are no other kind of body, but 413, as those over 1 MiB are.
    about = f"Up to {MAX_EVENTS} events; each gets its own result."
    many = {"type": "array", "items": _EVENT, "minItems": 1, "description": about}
    return {
        **{media_type: {"anyOf": [_EVENT, many]} for media_type in ONE_OR_MANY},
        BATCH: many,
    }


def _event(data: type[Data], attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"{data.__name__}Event",
        "description": f"{getdoc(data)} For tokens of the role {data.role} or admin.",
        "type": "object",
        "required": ["type", "data"],
        "properties": {
            "type": {"const": data.type},
            "data": {"$ref": f"#/components/schemas/{data.__name__}"},
            **attributes,
        },
        # Extensions, and the attributes that mean nothing here.
        "patternProperties": {_EXTENSION: {}},
        "additionalProperties": False,
        "anyOf": [_WITH_ID_AND_TIME, _WITHOUT_ID_AND_TIME],
    }


_WITH_ID_AND_TIME = {
    "required": ["id", "time"],
    "properties": {"id": {"type": "string"}, "time": {"type": "string"}},
}
_WITHOUT_ID_AND_TIME = {"properties": {"id": {"type": "null"}, "time": {"type": "null"}}}


def _attributes() -> dict[str, Any]:
    """The schemas of the attributes that mean something here."""
    _, schemas = msgspec.json.schema_components([Attributes])
    (schema,) = schemas.values()
    properties: dict[str, Any] = {name: schema["properties"][name] for name in _USED}
    time = {"type": "string", "format": "date-time", "pattern": _TIME, "description": "RFC 3339."}
    return properties | {"time": {"anyOf": [time, {"type": "null"}], "default": None}}
