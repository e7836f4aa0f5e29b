"""`verdicts up`: everything on one machine, from an empty data folder to a page that answers."""

from collections.abc import Callable
from io import TextIOWrapper

import click

from infra.cli.options import counted, read_settings
from infra.cli.services.run import service_command
from infra.cli.setup.admin_token import ensure_admin_token
from infra.cli.setup.demo import demo_content
from infra.cli.setup.migrate import migrate_database
from infra.embedded.private_file import open_log
from infra.kafka.topics import apply as apply_topics
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.data_folder import DataFolder
from infra.supervisor.local_system import LocalSystem, StartSteps, run_until_stopped
from infra.supervisor.signals import end_with_parent
from infra.telemetry.logging import configure
from publishers.templating.theme import load as load_theme
from schemas.topics import TOPICS


@click.command()
@click.option("--with-parent", is_flag=True, hidden=True)
def up(with_parent: bool) -> None:
    """Start everything here and stay in the foreground.

    Kafka and PostgreSQL are started too, unless KAFKA_BOOTSTRAP_SERVERS or DATABASE_URL name
    external servers. Ctrl-C ends everything.

    \b
    verdicts up
    VERDICTS_DATA=/srv/verdicts VERDICTS_PORT=80 VERDICTS_DEMO=0 verdicts up
    """
    if with_parent:
        end_with_parent()
    run_local_system(read_settings(), Screen())


def run_local_system(
    settings: Settings,
    screen: Screen,
    command: Callable[[str], list[str]] = service_command,
) -> None:
    """Start everything, keep it running, and end it when a signal arrives.

    Args:
        settings: Of this run.
        screen: Shows progress.
        command: Returns the command of `api`, `worker` or `publisher`.

    Raises:
        VerdictsError: The system cannot start. Everything that had been started has ended.
    """
    steps = StartSteps(prepare, demo_content, command)
    run_until_stopped(LocalSystem(settings, screen, steps), screen)


def prepare(settings: Settings, folder: DataFolder, screen: Screen) -> None:
    """Migrate the database, create missing topics, and create the local admin token.

    From here on the log lines of this process go to a file; its terminal shows progress.
    """
    # A theme that cannot be used ends the start with its sentence, before any service starts.
    load_theme(settings.theme)
    log = open_log(folder.path / "logs" / "up.log")
    configure("up", TextIOWrapper(log, write_through=True), settings.log_level)
    with screen.step("Migrating the database") as step:
        step.result = f"Database at revision {migrate_database(settings)}"
    with screen.step("Creating topics") as step:
        changes = apply_topics(settings, TOPICS)
        created = counted(len(changes.created), "topic")
        step.result = f"{created} created, {len(changes.found)} found"
    for difference in changes.differences:
        screen.warn(difference)
    if ensure_admin_token(settings, folder.token_file):
        screen.done(f"Admin token created in {folder.token_file}")
