"""`verdicts log`: exports the log to files and imports it back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import click
import psycopg

from infra.cli.options import answer, as_json, attached_settings, counted
from infra.cli.progress_bar import progress_bar
from infra.operations.log_export import manifest
from infra.operations.log_export.export import LogExport
from infra.operations.log_export.manifest import LogFilesError, Manifest
from infra.operations.log_export.restore import START_OVER, compare, restore
from infra.postgres.engine import error_text
from infra.settings import Settings
from schemas.topics import EVENT_TOPICS, TOPICS
from streams.processing.week_freezer_thread import exclusive_lock

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
folder_argument = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def log() -> None:
    """Export the log to files and import it back.

    Use it for backups, moves and copies. The log is the source of truth: an export and the voter
    key are all that a new installation needs, as projections and pages follow from the log. Tokens
    are not on the log; create new ones.

    \b
    verdicts log export /backup/2026-11-20
    verdicts log verify /backup/2026-11-20
    VERDICTS_DATA=/srv/new verdicts log import /backup/2026-11-20
    """


@log.command()
@folder_argument
@as_json
def export(folder: Path, as_json: bool) -> None:
    """Write every event to files, and verify them.

    Events that arrive meanwhile are not exported. FOLDER must be empty or not exist. Dead letters
    and changes are not exported; both follow from the events.

    \b
    verdicts log export /backup/2026-11-20
    """
    log_export = LogExport(attached_settings(), [topic.name for topic in EVENT_TOPICS], folder)
    with progress_bar("Exporting", log_export.size) as progress:
        exported = log_export.write(progress)
    with progress_bar("Verifying the files", exported.records) as progress:
        manifest.verify(folder, progress)
    megabytes = sum(part.bytes for part in exported.files) / 1e6
    text = (
        f"Exported {counted(exported.records, 'event')} to {folder} "
        f"({megabytes:,.1f} MB), verified.\n"
        "Keep VERDICTS_VOTER_KEY (voter.key in the data folder) with the export: without the key "
        "no voter is recognised again."
    )
    value = {"folder": str(folder), "records": exported.records, "verified": True}
    answer(value, as_json, text)


@log.command("import")
@folder_argument
@as_json
def import_(folder: Path, as_json: bool) -> None:
    """Write an export to an empty log, then compare the log with the export.

    Every event keeps its partition, key, value, headers, time and order. Missing topics are
    created. Services may run meanwhile, but no client should send events; workers apply imported
    events at once. The database must answer, too: a lock in it keeps weeks from being closed
    before all their events are there. An interrupted import cannot continue: start over with an
    empty cluster and database.

    \b
    VERDICTS_DATA=/srv/new VERDICTS_DEMO=0 verdicts up      in one terminal
    VERDICTS_DATA=/srv/new verdicts log import /backup/2026-11-20   in another
    """
    imported = import_from(folder, attached_settings())
    value = {"folder": str(folder), "records": imported.records, "verified": True}
    events = counted(imported.records, "event")
    answer(value, as_json, f"Imported {events}; the log equals the export in {folder}.")


def import_from(folder: Path, settings: Settings, show: Bar = progress_bar) -> Manifest:
    """Verify an export, write it to the log, and compare the two.

    Args:
        folder: Of the export.
        settings: Of the target log and database.
        show: Given a text and the number of records, opens a progress bar.

    Raises:
        LogFilesError: The import failed, or log and export differ.
    """
    records = Manifest.read(folder).records
    with _week_closing_paused(settings):
        with show("Verifying the files", records) as progress:
            manifest.verify(folder, progress)
        with show("Importing", records) as progress:
            restore(settings, TOPICS, folder, progress)
        with show("Comparing", records) as progress:
            return compare(settings, folder, progress)


@contextmanager
def _week_closing_paused(settings: Settings) -> Iterator[None]:
    """Keep all workers from closing weeks; they would decide from an incomplete log."""
    consequence = "an import needs it, so that no week is closed before all its events are there"
    try:
        with exclusive_lock(settings) as lock:
            consequence = f"a week may have been closed without some of its events, so {START_OVER}"
            yield
            lock.execute("select 1")
    except psycopg.OperationalError as error:
        raise LogFilesError(
            f"The database does not answer ({error_text(error)}); {consequence}."
        ) from error


@log.command()
@folder_argument
@click.option(
    "--against-log",
    is_flag=True,
    help="Also compare it with the log, record by record; the log may have grown since.",
)
@as_json
def verify(folder: Path, against_log: bool, as_json: bool) -> None:
    """Verify an export: checksums, numbers and order of all records.

    \b
    verdicts log verify /backup/2026-11-20
    verdicts log verify /backup/2026-11-20 --against-log
    """
    with progress_bar("Verifying the files", Manifest.read(folder).records) as progress:
        verified = manifest.verify(folder, progress)
    if against_log:
        with progress_bar("Comparing", verified.records) as progress:
            compare(attached_settings(), folder, progress, grown=True)
    events = counted(verified.records, "event")
    suffix = "; the log holds the same" if against_log else ""
    value = {"folder": str(folder), "records": verified.records, "verified": True}
    answer(value, as_json, f"{folder} is complete: {events}, exported {verified.made}{suffix}.")
