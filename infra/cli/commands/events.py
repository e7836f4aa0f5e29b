"""`verdicts events`: what stands on the log, by topic, key, type and time."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
import msgspec

from infra.cli.options import answer, as_json, attached_settings
from infra.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from infra.operations.event_query import EventReader, FoundEvent, Query

WIDEST_BAR = 40


@click.group()
def events() -> None:
    """The events on the log: the last ones, one of them, how many.

    \b
    verdicts events tail --follow
    verdicts events tail --type review.submitted --key smolvlm-2-5
    verdicts events show verdicts.votes.v1/3/1207
    verdicts events count --by day --since 2w
    """


def query(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say which events are meant; the command gets them as a `Query`."""

    @wraps(command)
    def asked(
        topics: tuple[str, ...],
        types: tuple[str, ...],
        key: str | None,
        since: str | None,
        until: str | None,
        **rest: Any,
    ) -> None:
        from infra.operations.event_query import Query, full_name, known_type, moment

        meant = Query(
            topics=tuple(map(full_name, topics)),
            types=tuple(map(known_type, types)),
            key=key,
            since=moment(since) if since else None,
            until=moment(until) if until else None,
        )
        command(meant, **rest)

    for option in reversed(_OPTIONS):
        asked = option(asked)
    return asked


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--topic", "topics", multiple=True, help="`votes` or its full name; repeatable."),
    click.option("--type", "types", multiple=True, help="Such as vote.cast; repeatable."),
    click.option("--key", help="Of the record: a tool, category, reviewer, voter or week."),
    click.option("--since", help="Times of events from this on: RFC 3339, a date, or 90m, 2d."),
    click.option("--until", help="Times of events before this."),
)


@events.command()
@query
@click.option(
    "-n", "--number", type=click.IntRange(min=0), default=20, show_default=True, help="How many."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with those that come, until Ctrl-C.")
@as_json
def tail(meant: "Query", number: int, follow: bool, as_json: bool) -> None:
    """Show the newest events, oldest first, one per line (with --json one object per line).

    \b
    verdicts events tail -n 100 --topic votes
    verdicts events tail --follow --json | jq .data
    verdicts events tail --type undecodable
    """
    from infra.operations.event_query import line, to_full_json

    def show(found: "FoundEvent") -> None:
        click.echo(msgspec.json.encode(to_full_json(found)).decode() if as_json else line(found))

    reader = _reader()
    spans = reader.spans(meant)
    with progress_bar("Reading the log") as progress:
        newest = reader.last(meant, number, spans, progress)
    for found in newest:
        show(found)
    if follow:
        for found in reader.follow(meant, spans):
            show(found)
            sys.stdout.flush()


@events.command()
@click.argument("which")
@query
@as_json
def show(meant: "Query", which: str, as_json: bool) -> None:
    """Show events whole: the one at topic/partition/offset, or all with an id.

    An id is looked for on the whole log, unless options narrow it down. The exit status is 1
    when there is none.

    \b
    verdicts events show votes/3/1207
    verdicts events show 01980c1e-7b1d-7000-8000-000000000001 --topic reviews
    """
    from infra.operations.event_query import to_full_json

    found = _at(which) if _is_place(which) else _with_id(meant, which)
    values = [to_full_json(it) for it in found]
    texts = [msgspec.json.format(msgspec.json.encode(value)).decode() for value in values]
    answer(values, as_json, "\n".join(texts) or f"There is no event {which}.")
    sys.exit(0 if found else 1)


@events.command()
@query
@click.option(
    "--by",
    type=click.Choice(["type", "topic", "day", "hour"]),
    default="type",
    show_default=True,
    help="What to count by; days and hours are those of the events' times in UTC.",
)
@as_json
def count(meant: "Query", by: str, as_json: bool) -> None:
    """Count events.

    \b
    verdicts events count
    verdicts events count --by day --type vote.cast --since 2026-11-01
    """
    reader = _reader()
    spans = reader.spans(meant)
    with progress_bar("Reading the log", sum(span.length for span in spans.values())) as progress:
        counts = reader.count(meant, by, spans, progress)
    ordered = dict(sorted(counts.items()))
    most = max(ordered.values(), default=1)
    lines = [
        f"{label:<20} {number:>10}  {'▇' * round(WIDEST_BAR * number / most)}"
        for label, number in ordered.items()
    ]
    lines.append(f"{'total':<20} {counts.total():>10}")
    value = {"by": by, "counts": ordered, "total": counts.total()}
    answer(value, as_json, "\n".join(lines))


def _reader() -> "EventReader":
    from infra.kafka.registry import codec
    from infra.operations.event_query import EventReader

    its = attached_settings()
    return EventReader(its, codec(its))


def _is_place(which: str) -> bool:
    """Whether it begins with a topic; an id may have slashes, too."""
    from infra.operations.event_query import is_topic

    topic, *numbers = which.split("/")
    return len(numbers) == 2 and is_topic(topic)


def _at(place: str) -> list["FoundEvent"]:
    from infra.operations.event_query import full_name

    topic, partition, offset = place.split("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise click.UsageError(f"{place!r} is no place; write topic/partition/offset.")
    found = _reader().at(full_name(topic), int(partition), int(offset))
    return [found] if found else []


def _with_id(meant: "Query", wanted: str) -> list["FoundEvent"]:
    reader = _reader()
    spans = reader.spans(meant)
    with progress_bar("Reading the log", sum(span.length for span in spans.values())) as progress:
        found = reader.events(meant, spans, progress)
        return [it for it in found if it.event is not None and it.event.id == wanted]
