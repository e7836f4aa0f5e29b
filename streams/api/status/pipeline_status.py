"""`/status`: whether a vote sent now would reach a page. Pure."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from projections.pipeline_state import Heartbeat, PipelineState
from schemas.channels import ServiceName
from schemas.topics import EVENT_PARTITIONS, TopicPartition

MAX_LAG_SECONDS = 10
"""Older records, changes and pages that still wait mean that the pipeline is behind."""
MAX_TRANSACTION_SECONDS = 5
"""An open transaction of this age stops readers; a vote behind it waits for its end."""
FRESH_SECONDS = 5.0


class StatusEvaluation(msgspec.Struct, frozen=True):
    """The answer of `/status`; `reasons` says in sentences why it is not `ok`."""

    status: str
    reasons: list[str]
    services: list[Heartbeat]
    waiting_seconds: float
    behind: list[str]

    @property
    def ok(self) -> bool:
        """Whether a vote sent now would reach a page."""
        return not self.reasons


def evaluate(state: PipelineState) -> StatusEvaluation:
    """Judge the pipeline's state."""
    fresh = [beat for beat in state.heartbeats if beat.age < FRESH_SECONDS]
    behind = [f"{at[0]}/{at[1]}" for (_, at), lag in sorted(state.lags.items()) if lag.records]
    stopped = [each for each in state.open_transactions if each.lasts(MAX_TRANSACTION_SECONDS)]
    unbuilt, unrelayed = state.age_of("pages"), state.age_of("outbox")
    reasons = list(state.failures) or _missing_services(fresh)
    reasons += _unacknowledged(state)
    if behind:
        are = _partitions(behind, "is", "are")
        reasons.append(f"{are} over {MAX_LAG_SECONDS} s behind.")
    reasons += [
        f"A transaction that is open for {each.duration} stops all reading of "
        f"{each.partition_name} at offset {each.offset}; verdicts doctor names its producer."
        for each in stopped
    ]
    if unbuilt >= MAX_LAG_SECONDS:
        reasons.append(f"A change has waited {unbuilt:.0f} s for its page.")
    if unrelayed >= MAX_LAG_SECONDS:
        reasons.append(f"A change has waited {unrelayed:.0f} s for the changes topic.")
    if any(beat.service == ServiceName.LOADER for beat in fresh):
        reasons.append("The demo content is still being loaded.")
    services = [replace(beat, age=round(beat.age, 3)) for beat in fresh]
    status = "degraded" if reasons else "ok"
    return StatusEvaluation(status, reasons, services, round(unbuilt, 3), behind)


def _unacknowledged(state: PipelineState) -> Iterator[str]:
    """Why the broker would not acknowledge a vote sent now."""
    if state.unwritable:
        have = _partitions(state.unwritable, "has", "have")
        yield f"{have} too few in-sync replicas to acknowledge an event."
    if state.delivery_fault:
        yield state.delivery_fault


def _partitions(partitions: Sequence[object], singular: str, plural: str) -> str:
    """How many they are, with the verb that follows."""
    number = len(partitions)
    return f"1 partition {singular}" if number == 1 else f"{number} partitions {plural}"


def _missing_services(fresh: Sequence[Heartbeat]) -> list[str]:
    """The work that no living process does."""
    workers = [beat for beat in fresh if beat.service == ServiceName.WORKER]
    missing = len(set(EVENT_PARTITIONS) - _assigned(workers))
    reasons = []
    if missing:
        reasons.append(f"{missing} of {len(EVENT_PARTITIONS)} partitions have no worker.")
    if not any(beat.detail.get("relay") for beat in workers):
        reasons.append("No worker relays changes.")
    publishers = [beat for beat in fresh if beat.service == ServiceName.PUBLISHER]
    if not any(beat.detail.get("active") for beat in publishers):
        reasons.append("No publisher is active.")
    return reasons


def _assigned(workers: Sequence[Heartbeat]) -> set[TopicPartition]:
    return {
        (topic, partition)
        for beat in workers
        for topic, partitions in beat.detail.get("assigned", {}).items()
        for partition in partitions
    }
