"""`verdicts deadletters`: what could not be applied, and what to do about it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec

from infra.cli.options import answer, as_json, attached_settings
from infra.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from streams.deadletters.model import DeadLetter
    from streams.deadletters.replay import DeadLetterReplay

numbers = click.argument("number", nargs=-1, type=click.IntRange(min=0))
everything = click.option("--all", "everything", is_flag=True, help="All that wait.")
of_topic = click.option("--topic", help="Only those of this topic: `votes`, or its full name.")
SHOWN_BYTES = 256


@click.group()
def deadletters() -> None:
    """Records that could not be applied: look, send again, or let them rest.

    Such a record stands on verdicts.deadletters.v1 as it was, with the reason beside it, and its
    partition has gone on without it. Send it again once the fault is mended.

    \b
    verdicts deadletters list
    verdicts deadletters show 3
    verdicts deadletters replay 3 4
    verdicts deadletters replay --all --topic reviews
    verdicts deadletters discard 7 --reason "a test that went astray"
    """


@deadletters.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those replayed or discarded.")
@of_topic
@as_json
def list_(everything: bool, topic: str | None, as_json: bool) -> None:
    """Show dead letters, oldest first: those that wait, or all.

    \b
    verdicts deadletters list --topic votes
    verdicts deadletters list --all --json
    """
    with _redelivery() as desk:
        found = _of_topic(_letters(desk), topic)
    shown = [letter for letter in found if everything or letter.state == "waiting"]
    settled = sum(letter.state != "waiting" for letter in found)
    lines = [_line(letter) for letter in shown] or ["No dead letter waits."]
    if settled and not everything:
        lines.append(f"({settled} more are settled; --all shows them.)")
    value = [_told(letter) for letter in shown]
    for fields in value:
        del fields["value"]
    answer(value, as_json, "\n".join(lines))


@deadletters.command()
@click.argument("number", type=click.IntRange(min=0))
@as_json
def show(number: int, as_json: bool) -> None:
    """Show one dead letter whole, and whether it could be applied now.

    \b
    verdicts deadletters show 3
    """
    from infra.kafka.codec import UndecodableError
    from infra.operations.event_query import to_json

    with _redelivery() as desk:
        (listed,) = _chosen(_letters(desk), [number])
        letter = _with_value(desk, listed)
        try:
            event: dict[str, Any] | None = to_json(desk.decoded(letter))
            now = _readable(letter)
        except UndecodableError as error:
            event, now = None, f"cannot be applied: {error}"
    value = {**_told(letter), "now": now, "event": event}
    answer(value, as_json, _page(letter, now, event))


@deadletters.command()
@numbers
@everything
@of_topic
@click.option("--force", is_flag=True, help="Also what still cannot be read, or was settled.")
@as_json
def replay(
    number: tuple[int, ...], everything: bool, topic: str | None, force: bool, as_json: bool
) -> None:
    """Send dead letters to their topics again, as they were.

    Each is read again first, and none is sent when one still cannot be read. Whether the database
    takes what it once refused (stage TASK_PUT) shows only when it is applied: if it does not,
    there is a new letter. What comes twice counts once, so a replay that was interrupted can be
    repeated.

    \b
    verdicts deadletters replay 3 4
    verdicts deadletters replay --all --topic votes
    """
    with _redelivery() as desk:
        chosen = _selection(_letters(desk), number, everything, topic, force=force)
        stand = desk.replay(chosen, force=force)
    lines = [f"{letter}  now {origin}" for letter, origin in sorted(stand.items())]
    value = [{"number": letter, "now": str(origin)} for letter, origin in sorted(stand.items())]
    answer(value, as_json, "\n".join(lines) or "No dead letter waits.")


@deadletters.command()
@numbers
@everything
@of_topic
@click.option("--reason", required=True, help="Why; it is kept with them.")
@as_json
def discard(
    number: tuple[int, ...], everything: bool, topic: str | None, reason: str, as_json: bool
) -> None:
    """Let dead letters rest: they leave the list, and stay on their topic.

    \b
    verdicts deadletters discard 7 --reason "a test that went astray"
    """
    with _redelivery() as desk:
        chosen = _selection(_letters(desk), number, everything, topic, force=False)
        desk.discard(chosen, reason)
    settled = [letter.number for letter in chosen]
    answer({"discarded": settled}, as_json, f"{len(settled)} dead letters are discarded.")


@contextmanager
def _redelivery() -> Iterator["DeadLetterReplay"]:
    from infra.kafka.registry import codec
    from infra.postgres.engine import create_engine
    from streams.deadletters.replay import DeadLetterReplay

    its = attached_settings()
    database = create_engine(its, name="verdicts deadletters", pool_size=1)
    try:
        yield DeadLetterReplay(its, database, codec(its))
    finally:
        database.dispose()


def _readable(letter: "DeadLetter") -> str:
    """What to say of a letter that can be read by now."""
    from streams.deadletters.producer import UNSTORABLE

    if letter.stage == UNSTORABLE:
        return "can be read, but the database refused it; a replay shows whether it still does"
    return "can be applied"


def _with_value(desk: "DeadLetterReplay", listed: "DeadLetter") -> "DeadLetter":
    (whole,) = desk.whole([listed])
    return msgspec.structs.replace(listed, value=whole.value)


def _letters(desk: "DeadLetterReplay") -> list["DeadLetter"]:
    with progress_bar("Reading dead letters", desk.size) as progress:
        return desk.letters(progress)


def _of_topic(letters: Iterable["DeadLetter"], topic: str | None) -> list["DeadLetter"]:
    from infra.operations.event_query import full_name

    name = full_name(topic) if topic else None
    return [it for it in letters if name is None or (it.origin and it.origin.topic == name)]


def _selection(
    letters: list["DeadLetter"],
    numbers: tuple[int, ...],
    everything: bool,
    topic: str | None,
    *,
    force: bool,
) -> list["DeadLetter"]:
    """The letters that were named, or all that wait."""
    if bool(numbers) == everything:
        raise click.UsageError("Name letters by their numbers, or say --all.")
    if everything:
        return [letter for letter in _of_topic(letters, topic) if letter.state == "waiting"]
    chosen = _of_topic(_chosen(letters, numbers), topic)
    for letter in chosen:
        if letter.state != "waiting" and not force:
            raise click.ClickException(f"Letter {letter.number} is {letter.state}: {letter.note}.")
    return chosen


def _chosen(letters: list["DeadLetter"], numbers: Iterable[int]) -> list["DeadLetter"]:
    by_number = {number: it for it in letters for number in (it.number, *it.copies)}
    for number in numbers:
        if number not in by_number:
            raise click.ClickException(
                f"There is no dead letter {number}; see: verdicts deadletters list --all"
            )
    return list({by_number[number].number: by_number[number] for number in numbers}.values())


def _line(letter: "DeadLetter") -> str:
    from schemas.time.instants import rfc3339

    state = "" if letter.state == "waiting" else f"  [{letter.state}: {letter.note}]"
    written = rfc3339(letter.written * 1000)
    return f"{letter.number:>6}  {written:<24}  {letter.origin}  {letter.reason}{state}"


def _told(letter: "DeadLetter") -> dict[str, Any]:
    """A letter for programs: bytes as base64, its origin as a place; lists leave values out."""
    fields = msgspec.to_builtins(letter)
    return {**fields, "origin": str(letter.origin) if letter.origin else None}


def _page(letter: "DeadLetter", now: str, event: dict[str, Any] | None) -> str:
    from schemas.time.instants import rfc3339

    value = letter.value or b""
    more = f" … {len(value)} bytes" if len(value) > SHOWN_BYTES else ""
    facts = {
        "letter": f"{letter.number}, written {rfc3339(letter.written * 1000)}",
        "origin": letter.origin or "unknown",
        "state": f"{letter.state} {letter.note}".strip(),
        "failed": f"{letter.stage} {letter.error}: {letter.reason}",
        "now": now,
        "key": repr(letter.key),
        "headers": ", ".join(f"{name}={held!r}" for name, held in letter.headers) or "none",
        "value": "null" if letter.value is None else value[:SHOWN_BYTES].hex(" ") + more,
    }
    lines = [f"{name:<9}{fact}" for name, fact in facts.items()]
    if event is not None:
        lines.append(msgspec.json.format(msgspec.json.encode(event)).decode())
    return "\n".join(lines)
