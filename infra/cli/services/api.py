"""`verdicts api`: the site of `publishers` and the API of `streams` on one port."""

from collections.abc import Hashable, Sequence
from functools import partial

import click
from starlette.types import ASGIApp

from infra.cli.services.run import run_service
from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.telemetry.metrics import REGISTRY
from projections.write import dirty_records
from projections.write.dirty_records import Mark
from publishers.content import content_version
from publishers.content.database_content import open_snapshot
from publishers.content.shared_index import SharedIndexes
from publishers.pages.html.api_pages import ApiPages
from publishers.templating import theme
from publishers.web.routes import CONNECTIONS, BookmarksOf, SiteSource, site_app
from schemas.channels import ServiceName
from streams.api import server
from streams.api.status.lag_gauges import LagGauges


@click.command()
def api() -> None:
    """Serve the HTTP API and the site; run any number of replicas.

    \b
    verdicts api                     against the servers that the settings name
    VERDICTS_PORT=8081 verdicts api  another replica beside a running `verdicts up`
    """
    run_service(ServiceName.API, serve)


def serve(settings: Settings) -> None:
    """Serve the API and the site until a signal ends the process."""
    theme.activate(settings)
    database = create_engine(
        settings, name="verdicts site", pool_size=CONNECTIONS, max_overflow=CONNECTIONS
    )
    open_content = partial(open_snapshot, database, SharedIndexes())

    def read_marks(limit: int) -> list[Mark]:
        with database.connect() as connection:
            return dirty_records.newest(connection, limit)

    def read_version(slugs: Sequence[str]) -> Hashable:
        with database.connect() as connection:
            return content_version.read_version(connection, slugs)

    def site(bookmarks_of: BookmarksOf) -> ASGIApp:
        return site_app(settings, SiteSource(open_content, read_marks, read_version), bookmarks_of)

    REGISTRY.register(LagGauges(settings, database))
    try:
        server.main(settings, site, codec(settings), ApiPages(settings.public_url))
    finally:
        database.dispose()
