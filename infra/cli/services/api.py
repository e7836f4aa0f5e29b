"""`verdicts api`: the site of `publishers` and the API of `streams` on one port."""

import os
from collections.abc import Hashable, Sequence
from functools import partial

import click
from starlette.types import ASGIApp

from infra.cli.services.run import run_service, service_command
from infra.kafka.registry import codec
from infra.postgres.engine import create_engine
from infra.settings import Settings
from infra.supervisor.services.process_group import MEMBER_GRACE_SECONDS, run_group
from infra.supervisor.services.service_process import own_environment
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
from streams.api.granian_server import reserved
from streams.api.status.lag_gauges import LagGauges


@click.command()
@click.option("--group", type=int, hidden=True, help="Pid of the process that starts several.")
def api(group: int | None) -> None:
    """Serve the HTTP API and the site; run any number of replicas.

    \b
    verdicts api                           against the servers that the settings name
    VERDICTS_PORT=8081 verdicts api        another replica beside a running `verdicts up`
    VERDICTS_API_PROCESSES=4 verdicts api  four processes behind one port, for as many cores
    """
    if group is None:
        run_service(ServiceName.API, serve)
    else:
        end_with_parent(group, MEMBER_GRACE_SECONDS)
        run_service(ServiceName.API, partial(_serve, shares_port=True))


def serve(settings: Settings) -> None:
    """Serve the API and the site until a signal, in as many processes as the settings ask for."""
    if settings.api_processes == 1:
        _serve(settings)
    else:
        # What is wrong with these is said once, before any process starts.
        theme.load(settings.theme)
        with reserved(settings.host, settings.port):
            command = [*service_command(ServiceName.API), "--group", str(os.getpid())]
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
