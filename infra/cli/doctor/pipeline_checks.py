"""Judges the pipeline's state: generations, checkpoints, queues, processes, events set aside."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from infra.cli.doctor.finding import Finding, fail, ok, several, warn
from infra.kafka.offsets import Bounds
from infra.operations.event_query.query import FoundEvent
from projections.event_references import Dangling
from projections.generations import Generations
from projections.pipeline_state import Heartbeat, Queue
from projections.read.checkpoints import Checkpoint
from schemas.channels import ServiceName
from schemas.time.instants import rfc3339
from schemas.topics import TopicPartition

LONG_WAIT_SECONDS = 60.0
FRESH_SECONDS = 10.0
_FROM_EXPORT = (
    "To go back to one, import it into an empty cluster and database: verdicts log import"
)


def generation(names: Generations) -> Finding:
    """Whether the live generation and the listed ones have tables."""
    live = names.live
    if live is None or live not in names.existing:
        return fail(
            "generation",
            f"The live generation {live or 'is not named'}{' does not exist' if live else ''}.",
            "Run: verdicts migrate (it makes the tables; the workers fill them from the log)",
        )
    if lost := sorted(set(names.listed) - set(names.existing)):
        return warn(
            "generation",
            f"{several(lost)} is listed, but has no tables.",
            "Drop it: verdicts projections drop NAME",
        )
    beside = [name for name in names.readable if name != live]
    also = f"; {several(beside)} beside it" if beside else ""
    return ok("generation", f"{live} is live{also}.")


def checkpoints(
    stored: Sequence[Checkpoint], bounds: Mapping[TopicPartition, Bounds], live: str
) -> Iterable[Finding]:
    """Whether the stored offsets belong to the log that exists now.

    The live generation must have read every partition. Another one that cannot go on is a warning:
    only its promotion would miss events.
    """
    known = [row for row in stored if row.topic_partition in bounds]
    remade = [row for row in known if row.topic_id != bounds[row.topic_partition].topic_id]
    outside = [row for row in known if row not in remade and _is_outside(row, bounds)]
    says = "{} was made anew since it was read."
    yield from _unusable("topic ids", says, remade, bounds, live)
    if not remade:
        yield ok("topic ids", "All topics are those that were read so far.")
    says = "The offset of {} lies outside the log."
    yield from _unusable("offsets", says, outside, bounds, live)
    if not outside:
        yield ok("offsets", f"All {len(stored)} stored offsets lie within the log.")
    read = {row.topic_partition for row in stored if row.generation == live}
    if unread := [f"{at[0]}/{at[1]}" for at in bounds if at not in read]:
        yield warn(
            "partitions",
            f"{several(unread)} was never read.",
            "Start a worker; it begins at the first record.",
        )


def _is_outside(row: Checkpoint, bounds: Mapping[TopicPartition, Bounds]) -> bool:
    bound = bounds[row.topic_partition]
    return not bound.first <= row.offset <= bound.end


def _unusable(
    check: str,
    says: str,
    rows: Iterable[Checkpoint],
    bounds: Mapping[TopicPartition, Bounds],
    live: str,
) -> Iterable[Finding]:
    """A finding for each generation that cannot go on from its checkpoints."""
    by_generation: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_generation[row.generation].append(str(row))
    for name, unusable in by_generation.items():
        if name == live:
            yield fail(check, says.format(several(unusable)), _rebuild(bounds.values()))
        else:
            advice = f"No page is made from it; run: verdicts projections drop {name}"
            yield warn(check, says.format(several(unusable)), advice)


def _rebuild(bounds: Iterable[Bounds]) -> str:
    """Advice for the live projections; a log without its beginning cannot be folded again."""
    if any(bound.first for bound in bounds):
        return f"A rebuild needs the log's beginning, which is gone. {_FROM_EXPORT}"
    return (
        "Run: verdicts projections rebuild, then promote what it made. Events that the log has "
        f"lost are in an export alone. {_FROM_EXPORT}"
    )


def waiting(queues: Iterable[Queue]) -> Finding:
    """Whether changes get through."""
    stuck = [
        f"{queue.name} ({queue.age:.0f} s)" for queue in queues if queue.age > LONG_WAIT_SECONDS
    ]
    if stuck:
        return fail(
            "changes",
            f"Changes have long waited in {several(stuck)}.",
            "See the logs of worker (outbox) and publisher (pages); is each running?",
        )
    return ok("changes", "No change waits long.")


def services(heartbeats: Iterable[Heartbeat]) -> Finding:
    """Whether each kind of process lives."""
    fresh = {beat.service for beat in heartbeats if beat.age < FRESH_SECONDS}
    if missing := sorted({ServiceName.WORKER, ServiceName.PUBLISHER} - fresh):
        return fail("services", f"No {' and no '.join(missing)} gives a sign of life.", "Start it.")
    if ServiceName.MAILER not in fresh:
        return warn(
            "services",
            "No mailer gives a sign of life, so no mail is sent.",
            "Start it: verdicts mailer",
        )
    return ok("services", "Worker, publisher and mailer give signs of life.")


def event_times(
    dated_ahead: Iterable[FoundEvent], latest: Mapping[TopicPartition, int]
) -> Iterable[Finding]:
    """Whether an event is dated ahead.

    Args:
        dated_ahead: Events.
        latest: The greatest event time that the live generation has applied, where it is ahead.
    """
    events = list(dated_ahead)
    applied = [
        each
        for each in events
        if (last := latest.get(each.record.topic_partition)) is not None and each.time <= last
    ]
    passed_over = [each for each in events if each not in applied]
    if applied:
        yield fail(
            "event times",
            f"Applied, though dated ahead: {several(list(map(_dated, applied)), most=5)}. No later "
            "change of the same tool, reviewer, category or voter has an effect.",
            "Find out what wrote it (verdicts events show ID). Workers pass over such events by "
            "now, so run: verdicts projections rebuild, then promote what it made.",
        )
    if passed_over:
        yield warn(
            "event times",
            f"Not applied, because dated ahead: {several(list(map(_dated, passed_over)), most=5)}.",
            "Find out what wrote it: the API rejects such events. Then run: verdicts deadletters "
            "list, and discard it.",
        )
    if not events:
        yield ok("event times", "No event is dated ahead.")


def _dated(decoded: FoundEvent) -> str:
    assert decoded.event
    return f"{decoded.event.id!r} ({decoded.type} of {rfc3339(decoded.time)}) at {decoded.record}"


def dead_letters(waiting: int) -> Finding:
    """Whether dead letters wait for an operator."""
    if waiting:
        return warn(
            "dead letters",
            f"Up to {waiting} dead letters wait.",
            "Look at them: verdicts deadletters list",
        )
    return ok("dead letters", "No dead letter waits.")


def dangling(waiting: Iterable[Dangling]) -> Finding:
    """Whether reviews, votes or tools wait for something that no event brings."""
    listed = [
        f"{each.number:,} {each.what} for the {each.kind} {each.missing!r}" for each in waiting
    ]
    if not listed:
        return ok("references", "Every review, vote and tool refers to something that exists.")
    return warn(
        "references",
        f"No page shows {several(listed, most=10)}, because there is none of that name.",
        "If a slug is mistyped, send the event again with the right one and take the wrong one "
        "back; else list the tool, define the category, or let the reviewer join.",
    )
