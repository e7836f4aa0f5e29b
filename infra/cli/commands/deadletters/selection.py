"""Which dead letters a command is about: those with given numbers, or all that wait."""

from collections.abc import Iterable, Sequence

import click

from infra.operations.event_query.query import full_name
from streams.deadletters.model import DeadLetter


def select(
    letters: Sequence[DeadLetter],
    numbers: Sequence[int],
    *,
    everything: bool,
    topic: str | None,
    force: bool,
) -> list[DeadLetter]:
    """Return the dead letters with these numbers, or all that wait.

    Args:
        letters: All dead letters.
        numbers: Of the wanted ones; a copy's number names its case.
        everything: Select all that wait; no numbers may be given then.
        topic: Only those of this topic, by its short or full name.
        force: Also accept numbers of dead letters that were replayed or discarded.

    Raises:
        click.UsageError: Both or neither of numbers and `everything` are given.
        click.ClickException: A number does not exist, or its dead letter is settled.
    """
    if bool(numbers) == everything:
        raise click.UsageError("Give the numbers of dead letters, or --all.")
    if everything:
        return [letter for letter in of_topic(letters, topic) if letter.state == "waiting"]
    selected = of_topic(by_numbers(letters, numbers), topic)
    for letter in selected:
        if letter.state != "waiting" and not force:
            raise click.ClickException(
                f"Dead letter {letter.number} is {letter.state}: {letter.note}."
            )
    return selected


def by_numbers(letters: Iterable[DeadLetter], numbers: Iterable[int]) -> list[DeadLetter]:
    """Return the dead letters with these numbers, each once.

    Raises:
        click.ClickException: There is no dead letter with such a number.
    """
    cases = {number: letter for letter in letters for number in (letter.number, *letter.copies)}
    selected = {}
    for number in numbers:
        if number not in cases:
            raise click.ClickException(
                f"There is no dead letter {number}; see: verdicts deadletters list --all"
            )
        selected[cases[number].number] = cases[number]
    return list(selected.values())


def of_topic(letters: Iterable[DeadLetter], topic: str | None) -> list[DeadLetter]:
    """Return the dead letters of a topic, by its short or full name; None selects all."""
    if topic is None:
        return list(letters)
    name = full_name(topic)
    return [letter for letter in letters if letter.origin and letter.origin.topic == name]
