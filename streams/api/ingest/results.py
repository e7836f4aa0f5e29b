"""What became of each event of a request."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from infra.kafka.delivery import Delivery, NotWritten, Outcome
from infra.telemetry import event_log
from schemas.events import Event
from schemas.time.instants import rfc3339
from streams.api.http.problems import Problem, unavailable
from streams.api.ingest.metrics import received
from streams.api.ingest.reference_warnings import EventWarning


class Accepted(msgspec.Struct, frozen=True, tag_field="status", tag="accepted", omit_defaults=True):
    """An event that the broker has acknowledged, and its position on the log.

    A dry run writes nothing, so `partition` and `offset` are null then. An event that refers to
    something unknown carries `warnings`.
    """

    id: str
    time: str
    topic: str
    partition: int | None
    offset: int | None
    warnings: tuple[EventWarning, ...] = ()


class Rejected(msgspec.Struct, frozen=True, tag_field="status", tag="rejected"):
    """An event that is not on the log: the reason, and the field where there is one."""

    id: str | None
    code: str
    detail: str
    pointer: str | None = None


class Unknown(msgspec.Struct, frozen=True, tag_field="status", tag="unknown"):
    """An event that may or may not be on the log; sending it again does no harm."""

    id: str
    time: str
    detail: str = "The broker did not say whether it has this event; send it again unchanged."


Result = Accepted | Rejected | Unknown


class Results(msgspec.Struct, frozen=True):
    """One result per event, in the order of the request."""

    results: list[Result]


def result_of(event: Event, outcome: Outcome) -> Result:
    """The result of a delivery."""
    if isinstance(outcome, Delivery):
        event_log.accepted(event.id, outcome)
        time = rfc3339(event.time)
        return Accepted(event.id, time, outcome.topic, outcome.partition, outcome.offset)
    if isinstance(outcome, NotWritten):
        code = "too-large" if outcome.too_large else "unavailable"
        return Rejected(event.id, code, f"The broker did not accept it: {outcome}.")
    return Unknown(event.id, rfc3339(event.time))


def dry_result_of(event: Event) -> Result:
    """The result that an event would have if the broker acknowledged it."""
    return Accepted(event.id, rfc3339(event.time), event.data.topic.name, None, None)


def with_warnings(result: Result, warnings: tuple[EventWarning, ...]) -> Result:
    """The result with warnings, if the event is accepted."""
    if not warnings or not isinstance(result, Accepted):
        return result
    return msgspec.structs.replace(result, warnings=warnings)


def count_results(event_types: Iterable[str], results: Iterable[Result]) -> None:
    """Count results by event type and status."""
    kinds: Iterable[type[Result]] = map(type, results)
    for (event_type, kind), count in Counter(zip(event_types, kinds, strict=True)).items():
        received(event_type, str(kind.__struct_config__.tag)).inc(count)


def raise_for_failure(results: list[Result]) -> None:
    """Refuse the whole request where the broker or the token's role failed it.

    Raises:
        Problem: 503 when the broker did not acknowledge every event; 403 when the token's role
            may send none of them.
    """
    codes = [result.code if isinstance(result, Rejected) else "" for result in results]
    if "unavailable" in codes or any(isinstance(result, Unknown) for result in results):
        raise unavailable(
            "The broker did not acknowledge every event; results lists which to send again.",
            results=results,
        )
    if all(code == "forbidden" for code in codes):
        raise Problem(403, "This token may not send events of this type.", results=results)
