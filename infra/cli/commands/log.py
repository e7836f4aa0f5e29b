"""`verdicts log`: the log to files and back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg

from infra.cli.options import answer, as_json, attached_settings
from infra.cli.progress_bar import progress_bar
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.operations.log_export.manifest import Manifest

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
folder = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def log() -> None:
    """The log to files and back: for backups, moves and copies.

    The log is the source of truth, so an export with the voters' key is all that a new
    installation needs: projections and pages follow from it. Tokens are not on the log; make new
    ones.

    \b
    verdicts log export /backup/2026-11-20
    verdicts log verify /backup/2026-11-20
    VERDICTS_DATA=/srv/new verdicts log import /backup/2026-11-20
    """


@log.command()
@folder
@as_json
def export(folder: Path, as_json: bool) -> None:
    """Write every event to files, and read them again to be sure.

    What comes while it runs is not in it. FOLDER must be empty or not exist. Dead letters and
    changes are not exported; both follow from the events.

    \b
    verdicts log export /backup/2026-11-20
    """
    from infra.operations.log_export.export import LogExport
    from infra.operations.log_export.manifest import verify
    from schemas.topics import EVENT_TOPICS

    work = LogExport(attached_settings(), [topic.name for topic in EVENT_TOPICS], folder)
    with progress_bar("Exporting", work.size) as progress:
        made = work.write(progress)
    with progress_bar("Reading it again", made.records) as progress:
        verify(folder, progress)
    size = sum(part.bytes for part in made.files) / 1e6
    text = (
        f"{made.records} events stand in {folder} ({size:.1f} MB), verified.\n"
        "Keep VERDICTS_VOTER_KEY (voter.key in the data folder) with it: without it no voter is "
        "recognised again."
    )
    answer({"folder": str(folder), "records": made.records, "verified": True}, as_json, text)


@log.command("import")
@folder
@as_json
def import_(folder: Path, as_json: bool) -> None:
    """Write an export to an empty log, then hold both against one another.

    Every event gets the partition, key, value, headers and time that it had, in the same order.
    Missing topics are made. Services may run meanwhile, but nobody should send events; workers
    apply what comes at once. The database must answer, too: through it no closed week is decided
    before all its events are there. An import that breaks off cannot be taken up again: start
    over with an empty cluster and database.

    \b
    VERDICTS_DATA=/srv/new VERDICTS_DEMO=0 verdicts up      in one terminal
    VERDICTS_DATA=/srv/new verdicts log import /backup/2026-11-20   in another
    """
    done = import_from(folder, attached_settings())
    value = {"folder": str(folder), "records": done.records, "verified": True}
    answer(value, as_json, f"{done.records} events are on the log, the same as in {folder}.")


def import_from(folder: Path, its: Settings, show: Bar = progress_bar) -> "Manifest":
    """Verify an export, write it to the log, and hold both against one another.

    Args:
        folder: Of the export.
        its: Where log and database are.
        show: Given what is done and out of how many records, makes what shows how far it is.

    Raises:
        LogFilesError: it cannot be done, or came out differently.
    """
    from infra.operations.log_export.manifest import Manifest, verify
    from infra.operations.log_export.restore import compare, restore
    from schemas.topics import TOPICS

    records = Manifest.read(folder).records
    with _freezers_waiting(its):
        with show("Verifying the files", records) as progress:
            verify(folder, progress)
        with show("Importing", records) as progress:
            restore(its, TOPICS, folder, progress)
        with show("Comparing", records) as progress:
            return compare(its, folder, progress)


@contextmanager
def _freezers_waiting(its: Settings) -> Iterator[None]:
    """Keep freezers waiting, which would decide closed weeks from what is there by then."""
    from infra.operations.log_export.manifest import LogFilesError
    from infra.operations.log_export.restore import START_OVER
    from infra.postgres.engine import error_text
    from streams.processing.week_closer import exclusive_lock

    so = "an import needs it, so that no week is decided before all its events are there"
    try:
        with exclusive_lock(its) as lock:
            so = f"a week may have been decided from some of its events, so {START_OVER}"
            yield
            lock.execute("select 1")
    except psycopg.OperationalError as error:
        raise LogFilesError(f"The database does not answer ({error_text(error)}); {so}.") from error


@log.command()
@folder
@click.option(
    "--against-log",
    is_flag=True,
    help="Also hold it against the log, record by record; what came after the export may follow.",
)
@as_json
def verify(folder: Path, against_log: bool, as_json: bool) -> None:
    """Read an export again: checksums, numbers and order of all records.

    \b
    verdicts log verify /backup/2026-11-20
    verdicts log verify /backup/2026-11-20 --against-log
    """
    from infra.operations.log_export.manifest import Manifest
    from infra.operations.log_export.manifest import verify as read_again
    from infra.operations.log_export.restore import compare

    with progress_bar("Verifying the files", Manifest.read(folder).records) as progress:
        found = read_again(folder, progress)
    if against_log:
        with progress_bar("Comparing", found.records) as progress:
            compare(attached_settings(), folder, progress, grown=True)
    same = " and the log holds the same" if against_log else ""
    value = {"folder": str(folder), "records": found.records, "verified": True}
    answer(value, as_json, f"{folder} is whole: {found.records} events of {found.made}{same}.")
