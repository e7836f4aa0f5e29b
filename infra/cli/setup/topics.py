"""`verdicts topics`: Kafka's topics as the catalogue defines them."""

import sys

import click

from infra.cli.options import answer, as_json, attached_settings, counted
from infra.kafka.topics import apply as apply_topics
from infra.postgres.engine import create_engine
from projections.read import changed_records
from schemas.topics import TOPICS


@click.group()
def topics() -> None:
    """Create and check the Kafka topics, and write the changes topic anew."""


@topics.command()
@as_json
def apply(as_json: bool) -> None:
    """Create missing topics and report those that differ; existing topics are never changed.

    The exit status is 1 when a topic differs.

    \b
    verdicts topics apply
    verdicts topics apply --json | jq -r '.differences[]'
    """
    changes = apply_topics(attached_settings(), TOPICS)
    lines = [
        *(f"created  {name}" for name in changes.created),
        *(f"found    {name}" for name in changes.found),
        *(f"differs  {difference}" for difference in changes.differences),
    ]
    answer(changes, as_json, "\n".join(lines))
    sys.exit(1 if changes.differences else 0)


@topics.command()
@click.argument("kinds", nargs=-1, type=click.Choice(changed_records.KINDS), metavar="[KIND]…")
@as_json
def republish(kinds: tuple[str, ...], as_json: bool) -> None:
    """Publish all records to verdicts.changes.v1 once more, or those of some kinds.

    Kinds are tool, category, reviewer and digest. Run it after an upgrade that gives records a new
    schema, or when the topic was made anew. The workers publish; readers get records that they
    know already, with the same versions.

    \b
    verdicts topics republish digest
    verdicts topics republish --json
    """
    engine = create_engine(attached_settings(kafka=False), name="verdicts republish")
    with engine.begin() as connection:
        queued = changed_records.republish(connection, kinds or changed_records.KINDS)
    answer({"queued": queued}, as_json, f"{counted(queued, 'record')} will be published again.")
