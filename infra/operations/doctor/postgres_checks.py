"""Judges the database: version, migrations, generations, checkpoints, clock, what waits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from infra.kafka.offsets import Bounds
from infra.operations.doctor.finding import Finding, fail, ok, several, warn
from schemas.channels import ServiceName
from schemas.topics import TopicPartition

CLOCK_SECONDS = 1.0
LONG_WAIT_SECONDS = 60.0
_FROM_EXPORT = (
    "To go back to one, import it into an empty cluster and database: verdicts log import"
)


class Checkpoint(msgspec.Struct, frozen=True):
    """How far a generation has read a partition of the topic that had `topic_id` then."""

    reader: str
    place: TopicPartition
    topic_id: str
    offset: int

    def __str__(self) -> str:
        return f"{self.place[0]}/{self.place[1]} of {self.reader}"


class Connections(msgspec.Struct, frozen=True):
    """How many connections are open, of how many that may be."""

    used: int
    most: int


def version(number: int, least: int) -> Finding:
    """Whether the server is new enough; `number` as in `server_version_num`."""
    major, minor = divmod(number, 10_000)
    if major < least:
        return fail(
            "database",
            f"The database runs PostgreSQL {major}.{minor}.",
            f"Point DATABASE_URL to version {least} or later.",
        )
    return ok("database", f"PostgreSQL {major}.{minor} answers.")


def migrations(current: str | None, newest: str) -> Finding:
    """Whether the permanent tables are those that this code knows."""
    if current == newest:
        return ok("migrations", f"The database is at revision {newest}.")
    if current is not None and current > newest:
        return fail(
            "migrations",
            f"The database is at revision {current}, newer than this code's {newest}.",
            "Start the newer release here too; revisions do not go back.",
        )
    return fail(
        "migrations",
        f"The database is at revision {current or 'none'}, not {newest}.",
        "Run: verdicts migrate",
    )


def durability(settings: Mapping[str, str]) -> Finding:
    """Whether a commit outlives a power cut."""
    if unsafe := [f"{name}={value}" for name, value in settings.items() if value == "off"]:
        return warn(
            "durability",
            f"The database runs with {several(unsafe)}.",
            "Turn it on, or be ready to rebuild projections and to lose tokens at a power cut.",
        )
    return ok("durability", "What is committed outlives a power cut.")


def generation(live: str | None, listed: Sequence[str], schemas: Sequence[str]) -> Finding:
    """Whether the pointer names projections that exist."""
    if live is None or live not in schemas:
        return fail(
            "generation",
            f"The live generation {live or 'is not named'}{' does not exist' if live else ''}.",
            "Run: verdicts migrate (it makes the tables; the workers fill them from the log)",
        )
    if lost := sorted(set(listed) - set(schemas)):
        return warn(
            "generation",
            f"{several(lost)} is listed, but has no tables.",
            "Drop it: verdicts projections drop NAME",
        )
    beside = [name for name in schemas if name != live and name in listed]
    also = f"; {several(beside)} beside it" if beside else ""
    return ok("generation", f"{live} is live{also}.")


def checkpoints(
    found: Iterable[Checkpoint],
    bounds: Mapping[TopicPartition, Bounds],
    readers: Mapping[TopicPartition, str],
) -> Iterable[Finding]:
    """Whether the stored offsets belong to the log that is there.

    `readers` names for each partition who must have read it. Others are beside them: when they
    cannot go on, nobody notices but who wants to promote them.
    """
    rows = list(found)
    known = [row for row in rows if row.place in bounds]
    remade = [row for row in known if row.topic_id != bounds[row.place].topic_id]
    outside = [row for row in known if row not in remade and _is_outside(row, bounds)]
    says = "{} was made anew since it was read."
    yield from _astray("topic ids", says, remade, bounds, readers)
    if not remade:
        yield ok("topic ids", "All topics are those that were read so far.")
    says = "The offset of {} lies outside the log."
    yield from _astray("offsets", says, outside, bounds, readers)
    if not outside:
        yield ok("offsets", f"All {len(rows)} stored offsets lie within the log.")
    read = {(row.place, row.reader) for row in rows}
    if unread := [f"{at[0]}/{at[1]}" for at, who in readers.items() if (at, who) not in read]:
        yield warn(
            "partitions",
            f"{several(unread)} was never read.",
            "Start a worker; it begins at the first record.",
        )


def _is_outside(row: Checkpoint, bounds: Mapping[TopicPartition, Bounds]) -> bool:
    return not bounds[row.place].first <= row.offset <= bounds[row.place].end


def _astray(
    check: str,
    says: str,
    rows: Iterable[Checkpoint],
    bounds: Mapping[TopicPartition, Bounds],
    readers: Mapping[TopicPartition, str],
) -> Iterable[Finding]:
    """A finding for each reader that cannot go on from where it is."""
    theirs: dict[str, list[Checkpoint]] = defaultdict(list)
    for row in rows:
        theirs[row.reader].append(row)
    for reader, lost in theirs.items():
        judge = fail if reader in readers.values() else warn
        where = several([str(row) for row in lost])
        yield judge(check, says.format(where), _way_out(reader, bounds, readers))


def _way_out(
    reader: str,
    bounds: Mapping[TopicPartition, Bounds],
    readers: Mapping[TopicPartition, str],
) -> str:
    if read := [bounds[place] for place, who in readers.items() if who == reader]:
        return _fold_again(read)
    return f"No page is made from it; run: verdicts projections drop {reader}"


def _fold_again(read: Iterable[Bounds]) -> str:
    """What helps the live projections; a log without its beginning cannot be folded again."""
    if any(bound.first for bound in read):
        return f"A rebuild needs the log's beginning, which is gone. {_FROM_EXPORT}"
    return (
        "Run: verdicts projections rebuild, then promote what it made. Events that the log has "
        f"lost are in an export alone. {_FROM_EXPORT}"
    )


def clock(ahead: float) -> Finding:
    """Whether the database's clock agrees with ours; positive when it is ahead, in seconds."""
    if abs(ahead) > CLOCK_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        return warn(
            "clock",
            f"The database's clock is {abs(ahead):.1f} s {way} this machine's.",
            "Synchronise both; the law of the log holds, but what is shown as time does not.",
        )
    return ok("clock", f"The database's clock agrees with this machine's ({ahead:+.3f} s).")


def connections(now: Connections) -> Finding:
    """Whether services find a free connection."""
    if now.used > 0.9 * now.most:
        return warn(
            "connections",
            f"{now.used} of {now.most} connections of the database are in use.",
            "Raise max_connections, or run fewer replicas.",
        )
    return ok("connections", f"{now.used} of {now.most} connections of the database are in use.")


def waiting(seconds: Mapping[str, float]) -> Finding:
    """Whether changes get through; the age of the oldest one in each queue."""
    if stuck := [
        f"{name} ({age:.0f} s)" for name, age in seconds.items() if age > LONG_WAIT_SECONDS
    ]:
        return fail(
            "changes",
            f"Changes have long waited in {several(stuck)}.",
            "See the logs of worker (outbox) and publisher (pages); is each running?",
        )
    return ok("changes", "No change waits long.")


def services(fresh: Iterable[str]) -> Finding:
    """Whether each kind of process lives."""
    if missing := sorted({ServiceName.WORKER, ServiceName.PUBLISHER} - set(fresh)):
        return fail("services", f"No {' and no '.join(missing)} gives a sign of life.", "Start it.")
    return ok("services", "Worker and publisher give signs of life.")


def dead_letters(waiting: int) -> Finding:
    """Whether somebody has looked at what could not be applied."""
    if waiting:
        return warn(
            "dead letters",
            f"Up to {waiting} dead letters wait.",
            "Look at them: verdicts deadletters list",
        )
    return ok("dead letters", "No dead letter waits.")


def tokens(valid: Mapping[str, int]) -> Finding:
    """Whether anybody may send events; the number of valid tokens by role."""
    if not sum(valid.values()):
        return warn(
            "tokens",
            "There is no valid token, so no editor or gateway can send.",
            'Make one: verdicts tokens create --role editor --name "the desk"',
        )
    said = ", ".join(f"{number} {role}" for role, number in sorted(valid.items()))
    return ok("tokens", f"Valid tokens: {said}.")
