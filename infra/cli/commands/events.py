"""`verdicts events`: reads and counts events on the log, by topic, key, type and time."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import msgspec

from infra.cli.options import answer, as_json, attached_settings
from infra.cli.progress_bar import progress_bar
from infra.kafka.registry import codec
from infra.operations.event_query.query import (
    FoundEvent,
    Query,
    full_name,
    is_topic,
    known_type,
    parse_time,
)
from infra.operations.event_query.reader import EventReader
from infra.operations.event_query.rendering import line, to_full_json

WIDEST_BAR = 40

_QUERY_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--topic", "topics", multiple=True, help="`votes` or its full name; repeatable."),
    click.option("--type", "types", multiple=True, help="Such as vote.cast; repeatable."),
    click.option("--key", help="Of the record: a tool, category, reviewer, voter or week."),
    click.option("--since", help="Events from this time on: RFC 3339, a date, or 90m, 2d ago."),
    click.option("--until", help="Events before this time."),
)


def query_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that select events; the command gets them as a `Query`."""

    @wraps(command)
    def with_query(
        topics: tuple[str, ...],
        types: tuple[str, ...],
        key: str | None,
        since: str | None,
        until: str | None,
        **options: Any,
    ) -> None:
        query = Query(
            topics=tuple(map(full_name, topics)),
            types=tuple(map(known_type, types)),
            key=key,
            since=parse_time(since) if since else None,
            until=parse_time(until) if until else None,
        )
        command(query, **options)

    for option in reversed(_QUERY_OPTIONS):
        with_query = option(with_query)
    return with_query


@click.group()
def events() -> None:
    """Read and count events on the log.

    \b
    verdicts events tail --follow
    verdicts events tail --type review.submitted --key smolvlm-2-5
    verdicts events show verdicts.votes.v1/3/1207
    verdicts events count --by day --since 2w
    """


@events.command()
@query_options
@click.option(
    "-n", "--number", type=click.IntRange(min=0), default=20, show_default=True, help="How many."
)
@click.option("-f", "--follow", is_flag=True, help="Continue with new events, until Ctrl-C.")
@as_json
def tail(query: Query, number: int, follow: bool, as_json: bool) -> None:
    """Show the newest events, oldest first, one per line (--json: one object per line).

    \b
    verdicts events tail -n 100 --topic votes
    verdicts events tail --follow --json | jq .data
    verdicts events tail --type undecodable
    """

    def show(event: FoundEvent) -> None:
        click.echo(msgspec.json.encode(to_full_json(event)).decode() if as_json else line(event))

    reader = _reader()
    ranges = reader.ranges(query)
    with progress_bar("Reading the log") as progress:
        newest = reader.last(query, number, ranges, progress)
    for event in newest:
        show(event)
    if follow:
        for event in reader.follow(query, ranges):
            show(event)
            sys.stdout.flush()


@events.command()
@click.argument("which")
@query_options
@as_json
def show(query: Query, which: str, as_json: bool) -> None:
    """Show whole events: the one at topic/partition/offset, or all with an id.

    The whole log is searched for an id, unless options narrow the search. The exit status is 1
    when no event is found.

    \b
    verdicts events show votes/3/1207
    verdicts events show 01980c1e-7b1d-7000-8000-000000000001 --topic reviews
    """
    events = _at(which) if _is_position(which) else _with_id(query, which)
    values = [to_full_json(event) for event in events]
    texts = [msgspec.json.format(msgspec.json.encode(value)).decode() for value in values]
    answer(values, as_json, "\n".join(texts) or f"There is no event {which}.")
    sys.exit(0 if events else 1)


@events.command()
@query_options
@click.option(
    "--by",
    type=click.Choice(["type", "topic", "day", "hour"]),
    default="type",
    show_default=True,
    help="What to count by; days and hours are those of the events' times in UTC.",
)
@as_json
def count(query: Query, by: str, as_json: bool) -> None:
    """Count events.

    \b
    verdicts events count
    verdicts events count --by day --type vote.cast --since 2026-11-01
    """
    reader = _reader()
    ranges = reader.ranges(query)
    with progress_bar(
        "Reading the log", sum(offsets.length for offsets in ranges.values())
    ) as progress:
        counts = reader.count(query, by, ranges, progress)
    total, ordered = counts.total(), dict(sorted(counts.items()))
    answer({"by": by, "counts": ordered, "total": total}, as_json, _bar_chart(ordered, total))


def _bar_chart(counts: dict[str, int], total: int) -> str:
    most = max(counts.values(), default=1)
    lines = [
        f"{label:<20} {number:>10,}  {'▇' * round(WIDEST_BAR * number / most)}".rstrip()
        for label, number in counts.items()
    ]
    return "\n".join([*lines, f"{'total':<20} {total:>10,}"])


def _reader() -> EventReader:
    settings = attached_settings()
    return EventReader(settings, codec(settings))


def _is_position(which: str) -> bool:
    """Tell a position (topic/partition/offset) from an id, which may contain slashes, too."""
    topic, *numbers = which.split("/")
    return len(numbers) == 2 and is_topic(topic)


def _at(position: str) -> list[FoundEvent]:
    topic, partition, offset = position.split("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise click.UsageError(f"{position!r} is no position; write topic/partition/offset.")
    event = _reader().at(full_name(topic), int(partition), int(offset))
    return [event] if event else []


def _with_id(query: Query, event_id: str) -> list[FoundEvent]:
    reader = _reader()
    ranges = reader.ranges(query)
    with progress_bar(
        "Reading the log", sum(offsets.length for offsets in ranges.values())
    ) as progress:
        return [
            decoded
            for decoded in reader.events(query, ranges, progress)
            if decoded.event is not None and decoded.event.id == event_id
        ]
