"""The commands of `verdicts deadletters`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import msgspec

from infra.cli.commands.deadletters import rendering
from infra.cli.commands.deadletters.selection import by_numbers, of_topic, select
from infra.cli.options import answer, as_json, attached_settings, counted
from infra.cli.progress_bar import progress_bar
from infra.kafka.codec import UndecodableError
from infra.kafka.registry import codec
from infra.operations.event_query import rendering as event_rendering
from infra.postgres.engine import create_engine
from streams.deadletters.model import DeadLetter
from streams.deadletters.replay import DeadLetterReplay

numbers_argument = click.argument(
    "numbers", metavar="[NUMBER]...", nargs=-1, type=click.IntRange(0)
)
all_option = click.option("--all", "everything", is_flag=True, help="All that wait.")
topic_option = click.option("--topic", help="Only those of this topic: `votes`, or its full name.")


@click.group()
def deadletters() -> None:
    """Inspect, replay or discard records that could not be applied.

    Such a record is kept unchanged on verdicts.deadletters.v1 with the reason, and its partition
    has gone on without it. Replay it once the fault is fixed.

    \b
    verdicts deadletters list
    verdicts deadletters show 3
    verdicts deadletters replay 3 4
    verdicts deadletters replay --all --topic reviews
    verdicts deadletters discard 7 --reason "a test that went astray"
    """


@deadletters.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those replayed or discarded.")
@topic_option
@as_json
def list_(everything: bool, topic: str | None, as_json: bool) -> None:
    """List dead letters that wait, or all of them, oldest first.

    \b
    verdicts deadletters list --topic votes
    verdicts deadletters list --all --json
    """
    with _replay() as dead_letters:
        letters = of_topic(_read(dead_letters), topic)
    listed = [letter for letter in letters if everything or letter.state == "waiting"]
    lines = [rendering.line(letter) for letter in listed] or ["No dead letter waits."]
    if hidden := len(letters) - len(listed):
        lines.append(f"(Not shown: {hidden:,} replayed or discarded; see --all.)")
    answer([rendering.to_summary_json(letter) for letter in listed], as_json, "\n".join(lines))


@deadletters.command()
@click.argument("number", type=click.IntRange(min=0))
@as_json
def show(number: int, as_json: bool) -> None:
    """Show everything about one dead letter, and whether it could be applied now.

    \b
    verdicts deadletters show 3
    """
    with _replay() as dead_letters:
        (listed,) = by_numbers(_read(dead_letters), [number])
        letter = _with_value(dead_letters, listed)
        try:
            event: dict[str, Any] | None = event_rendering.to_json(dead_letters.decode(letter))
            now = rendering.prospect(letter)
        except UndecodableError as error:
            event, now = None, f"cannot be applied: {error}"
    value = {**rendering.to_json(letter), "now": now, "event": event}
    answer(value, as_json, rendering.page(letter, now, event))


@deadletters.command()
@numbers_argument
@all_option
@topic_option
@click.option("--force", is_flag=True, help="Also those still undecodable or already settled.")
@as_json
def replay(
    numbers: tuple[int, ...], everything: bool, topic: str | None, force: bool, as_json: bool
) -> None:
    """Send dead letters to their topics again, unchanged.

    Each is decoded first, and none is sent if one still cannot be decoded. Whether the database
    accepts what it once refused (stage TASK_PUT) shows only when it is applied: if it refuses
    again, there is a new dead letter. A record that arrives twice counts once, so an interrupted
    replay can be repeated.

    \b
    verdicts deadletters replay 3 4
    verdicts deadletters replay --all --topic votes
    """
    with _replay() as dead_letters:
        selected = select(
            _read(dead_letters), numbers, everything=everything, topic=topic, force=force
        )
        origins = sorted(dead_letters.replay(selected, force=force).items())
    lines = [f"{number}  now {origin}" for number, origin in origins]
    value = [{"number": number, "now": str(origin)} for number, origin in origins]
    answer(value, as_json, "\n".join(lines) or "No dead letter waits.")


@deadletters.command()
@numbers_argument
@all_option
@topic_option
@click.option("--reason", required=True, help="Why; it is stored with them.")
@as_json
def discard(
    numbers: tuple[int, ...], everything: bool, topic: str | None, reason: str, as_json: bool
) -> None:
    """Discard dead letters: they leave the list and stay on their topic.

    \b
    verdicts deadletters discard 7 --reason "a test that went astray"
    """
    with _replay() as dead_letters:
        selected = select(
            _read(dead_letters), numbers, everything=everything, topic=topic, force=False
        )
        dead_letters.discard(selected, reason)
    discarded = [letter.number for letter in selected]
    text = f"Discarded {counted(len(discarded), 'dead letter')}."
    answer({"discarded": discarded}, as_json, text)


@contextmanager
def _replay() -> Iterator[DeadLetterReplay]:
    settings = attached_settings()
    database = create_engine(settings, name="verdicts deadletters", pool_size=1)
    try:
        yield DeadLetterReplay(settings, database, codec(settings))
    finally:
        database.dispose()


def _read(dead_letters: DeadLetterReplay) -> list[DeadLetter]:
    with progress_bar("Reading dead letters", dead_letters.size) as progress:
        return dead_letters.list_all(progress)


def _with_value(dead_letters: DeadLetterReplay, listed: DeadLetter) -> DeadLetter:
    """Read the value of a dead letter, which lists leave out."""
    (whole,) = dead_letters.with_values([listed])
    return msgspec.structs.replace(listed, value=whole.value)
