"""`verdicts api`: the site of `publishers` and the API of `streams` on one port."""

from collections.abc import Hashable, Sequence
from functools import partial

import click
from starlette.types import ASGIApp

from infra.cli.services.run import run_service, service_command
from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.supervisor.process_group import run_group
from infra.supervisor.service_process import own_environment
from infra.supervisor.signals import end_with_parent
from infra.telemetry import metrics
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
from streams.api.granian_server import require_free
from streams.api.status.lag_gauges import LagGauges


@click.command()
@click.option("--in-group", is_flag=True, hidden=True)
def api(in_group: bool) -> None:
    """Serve the HTTP API and the site; run any number of replicas.

    \b
    verdicts api                           against the servers that the settings name
    VERDICTS_PORT=8081 verdicts api        another replica beside a running `verdicts up`
    VERDICTS_API_PROCESSES=4 verdicts api  four processes behind one port, for as many cores
    """
    if in_group:
        end_with_parent()
    run_service(ServiceName.API, partial(_serve, shares_port=True) if in_group else serve)


def serve(settings: Settings) -> None:
    """Serve the API and the site until a signal, in as many processes as the settings ask for."""
    if settings.api_processes == 1:
        _serve(settings)
    else:
        # What is wrong with these is said once, before any process starts.
        theme.load(settings.theme)
        require_free(settings.host, settings.port)
        command = [*service_command(ServiceName.API), "--in-group"]
        run_group(ServiceName.API, command, settings.api_processes, own_environment())


def _serve(settings: Settings, *, shares_port: bool = False) -> None:
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

    metrics.register(LagGauges(settings, database))
    try:
        server.main(
            settings,
            site,
            codec(settings),
            ApiPages(settings.public_url),
            shares_port=shares_port,
        )
    finally:
        database.dispose()
