"""The verbs of `verdicts`. Each says what it needs; the work is done elsewhere."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click
import psycopg
import structlog
from confluent_kafka import KafkaException
from sqlalchemy.exc import OperationalError

from infra.cli.commands.deadletters import deadletters
from infra.cli.commands.digest import digest
from infra.cli.commands.doctor import doctor
from infra.cli.commands.events import events
from infra.cli.commands.log import log
from infra.cli.commands.projections import projections
from infra.cli.commands.tokens import tokens
from infra.cli.options import answer, as_json, attached_settings, settings
from infra.embedded.errors import EmbeddedError
from infra.kafka.topics import TopicsError
from infra.postgres.engine import error_text
from infra.settings import Settings, SettingsError
from schemas.channels import ServiceName

_EXPECTED = (EmbeddedError, SettingsError, TopicsError)
# Of modules that are too slow to import before it is known which verb is meant.
_SAYS_ENOUGH = {"CannotListenError", "RegistryError"}


def main() -> None:
    """Run the command line; every failure is one sentence on standard error and exit status 1."""
    # Standard output is for answers. Services say later how they log.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        verdicts(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        click.echo(f"verdicts: {sentence(error)}", err=True)
        sys.exit(1)


def sentence(error: Exception) -> str:
    """What to tell a person of a failure; what nobody foresaw is kept in a file."""
    if isinstance(error, _EXPECTED) or type(error).__name__ in _SAYS_ENOUGH:
        return str(error)
    if isinstance(error, _expected_later()):
        return str(error)
    if isinstance(error, (OperationalError, psycopg.OperationalError)):
        return f"The database does not answer ({error_text(error)})."
    if isinstance(error, KafkaException):
        return f"Kafka does not answer ({error.args[0].str()})."
    if isinstance(error, OSError) and error.strerror:
        where = f" at {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}; see to that and start again."
    return f"Something unforeseen happened ({type(error).__name__}: {error}){_kept(error)}."


def _expected_later() -> tuple[type[Exception], ...]:
    """Errors of modules that are too slow to load for every command."""
    from infra.consumer.protocols import LogMismatchError
    from infra.migrations import DatabaseUnfitError
    from infra.operations.event_query import QueryError
    from infra.operations.log_export.manifest import LogFilesError
    from projections.generations import BusyError, UnknownGenerationError
    from publishers.build.site_files import SupersededError
    from streams.deadletters.replay import ReplayError
    from streams.rebuild.service import NotReadyError

    return (
        UnknownGenerationError, BusyError, NotReadyError, LogMismatchError, QueryError,
        ReplayError, LogFilesError, DatabaseUnfitError, SupersededError,
    )  # fmt: skip


def _kept(error: Exception) -> str:
    """Where the traceback of this error can be read."""
    file = Path(os.environ.get("VERDICTS_DATA") or ".verdicts").absolute() / "logs" / "failure.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(traceback.format_exception(error)))
    except OSError:
        return ""
    return f"; the whole story stands in {file}"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="verdicts")
def verdicts() -> None:
    """Which AI tool should you ship with? Events in, comparison pages out.

    \b
    verdicts up                     everything on this machine
    VERDICTS_PORT=8090 verdicts up  on another port
    verdicts status                 does a vote sent now reach a page?

    Settings come from the environment; the README lists them.
    """


@verdicts.command()
@click.option("--with-parent", is_flag=True, hidden=True)
def up(with_parent: bool) -> None:
    """Start everything here and stay in the foreground.

    Kafka and PostgreSQL are started too, unless KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL name
    servers that run already. Ctrl-C ends it all.

    \b
    verdicts up
    VERDICTS_DATA=/srv/verdicts VERDICTS_PORT=80 VERDICTS_DEMO=0 verdicts up
    """
    from infra.cli.services.up import up as run
    from infra.supervisor.console import Screen
    from infra.supervisor.parent_death import end_with_parent

    if with_parent:
        end_with_parent()
    run(settings(), Screen())


@verdicts.command()
def api() -> None:
    """Serve the HTTP API and the site; as many replicas as wanted.

    \b
    verdicts api                     against the servers that the settings name
    VERDICTS_PORT=8081 verdicts api  a further one, beside a running `verdicts up`
    """
    from infra.cli.services.serve import main

    _serve(ServiceName.API, main)


@verdicts.command()
def worker() -> None:
    """Apply events to the projections; as many replicas as wanted.

    \b
    verdicts worker                             beside a running `verdicts up`
    VERDICTS_INSTANCE=worker-7 verdicts worker  with a stable name, for quick restarts
    """
    from infra.kafka.registry import codec
    from streams.worker import main

    _serve(ServiceName.WORKER, lambda its: main(its, codec(its)))


@verdicts.command()
def publisher() -> None:
    """Write the pages; one replica is active, further ones stand by.

    \b
    verdicts publisher                                  beside a running `verdicts up`
    VERDICTS_METRICS=127.0.0.1:9100 verdicts publisher  with /metrics there
    """
    from publishers.publisher import main

    _serve(ServiceName.PUBLISHER, main)


@verdicts.command()
@as_json
def migrate(as_json: bool) -> None:
    """Bring the database to the newest revision; safe to run twice, and at once.

    \b
    verdicts migrate
    verdicts migrate --json | jq -r .revision
    """
    from infra.cli.services.bootstrap import migrate as run

    revision = run(attached_settings())
    answer({"revision": revision}, as_json, f"The database is at revision {revision}.")


@verdicts.group()
def topics() -> None:
    """Kafka's topics, as the catalogue has them."""


@topics.command("apply")
@as_json
def topics_apply(as_json: bool) -> None:
    """Create the topics that are missing, and tell where others differ; nothing is changed.

    The exit status is 1 when one differs.

    \b
    verdicts topics apply
    verdicts topics apply --json | jq -r '.differences[]'
    """
    from infra.kafka.topics import apply
    from schemas.topics import TOPICS

    applied = apply(attached_settings(), TOPICS)
    lines = [
        *(f"created  {name}" for name in applied.created),
        *(f"found    {name}" for name in applied.found),
        *(f"differs  {sentence}" for sentence in applied.differences),
    ]
    answer(applied, as_json, "\n".join(lines))
    sys.exit(1 if applied.differences else 0)


@verdicts.command()
@as_json
def status(as_json: bool) -> None:
    """Say whether a vote sent now would reach a page; exit status 1 when not.

    \b
    verdicts status
    verdicts status --json | jq .reasons
    """
    from infra.cli.commands.status import ask, readable

    told = ask(settings())
    answer(told.told, as_json, readable(told))
    sys.exit(0 if told.ready else 1)


@verdicts.command()
@click.option("--all", "everything", is_flag=True, required=True, help="Render every page anew.")
@as_json
def publish(everything: bool, as_json: bool) -> None:  # noqa: ARG001
    """Render all pages from the projections; where nothing has changed, no byte changes.

    \b
    verdicts publish --all
    """
    from publishers.publisher import publish_all

    counts = publish_all(attached_settings())
    answer(counts, as_json, ", ".join(f"{number} {what}" for what, number in counts.items()))


def _serve(name: ServiceName, run: Callable[[Settings], None]) -> None:
    """Run one service in this process until it is told to end."""
    from infra.telemetry import tracing
    from infra.telemetry.logging import configure
    from infra.telemetry.metrics import listen

    its = attached_settings().with_keys()
    configure(name, level=its.log_level)
    tracing.start(name, os.environ)
    if name != ServiceName.API:  # which serves them beside everything else
        listen(its.metrics)
    run(its)


verdicts.add_command(deadletters)
verdicts.add_command(digest)
verdicts.add_command(doctor)
verdicts.add_command(events)
verdicts.add_command(log)
verdicts.add_command(projections)
verdicts.add_command(tokens)
