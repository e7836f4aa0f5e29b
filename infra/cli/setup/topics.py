"""`verdicts topics`: Kafka's topics as the catalogue defines them."""

import sys

import click

from infra.cli.options import answer, as_json, attached_settings
from infra.kafka.topics import apply as apply_topics
from schemas.topics import TOPICS


@click.group()
def topics() -> None:
    """Create and check the Kafka topics."""


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
