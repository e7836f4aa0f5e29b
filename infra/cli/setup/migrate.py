"""`verdicts migrate`: the permanent schema and the first generation of projections."""

import click

from infra import migrations
from infra.cli.options import answer, as_json, attached_settings
from infra.settings import Settings
from projections.generations import create_missing_tables


@click.command()
@as_json
def migrate(as_json: bool) -> None:
    """Migrate the database to the newest revision; safe to repeat.

    Several processes may run it at once: one migrates, the others wait and find nothing to do.

    \b
    verdicts migrate
    verdicts migrate --json | jq -r .revision
    """
    revision = migrate_database(attached_settings())
    answer({"revision": revision}, as_json, f"The database is at revision {revision}.")


def migrate_database(settings: Settings) -> str:
    """Migrate the permanent schema, create the live generation, and return the revision."""
    return migrations.migrate(settings, afterwards=create_missing_tables)
