"""`verdicts log`: the log to files and back."""

from pathlib import Path

import click

from infra.command.bars import bar
from infra.command.options import answer, as_json, attached_settings

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
    from infra.logfiles.exporting import Export
    from infra.logfiles.manifest import verify
    from schemas.topics import EVENT_TOPICS

    work = Export(attached_settings(), [topic.name for topic in EVENT_TOPICS], folder)
    with bar("Exporting", work.size) as progress:
        made = work.write(progress)
    with bar("Reading it again", made.records) as progress:
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
    apply what comes at once.

    \b
    VERDICTS_DATA=/srv/new VERDICTS_DEMO=0 verdicts up      in one terminal
    VERDICTS_DATA=/srv/new verdicts log import /backup/2026-11-20   in another
    """
    from infra.logfiles.importing import compare, restore
    from infra.logfiles.manifest import Manifest, verify
    from schemas.topics import TOPICS

    its, records = attached_settings(), Manifest.read(folder).records
    with bar("Verifying the files", records) as progress:
        verify(folder, progress)
    with bar("Importing", records) as progress:
        restore(its, TOPICS, folder, progress)
    with bar("Comparing", records) as progress:
        done = compare(its, folder, progress)
    value = {"folder": str(folder), "records": done.records, "verified": True}
    answer(value, as_json, f"{done.records} events are on the log, the same as in {folder}.")


@log.command()
@folder
@click.option("--against-log", is_flag=True, help="Also hold it against the log, record by record.")
@as_json
def verify(folder: Path, against_log: bool, as_json: bool) -> None:
    """Read an export again: checksums, numbers and order of all records.

    \b
    verdicts log verify /backup/2026-11-20
    verdicts log verify /backup/2026-11-20 --against-log
    """
    from infra.logfiles.importing import compare
    from infra.logfiles.manifest import Manifest
    from infra.logfiles.manifest import verify as read_again

    with bar("Verifying the files", Manifest.read(folder).records) as progress:
        found = read_again(folder, progress)
    if against_log:
        with bar("Comparing", found.records) as progress:
            compare(attached_settings(), folder, progress)
    same = " and the log holds the same" if against_log else ""
    value = {"folder": str(folder), "records": found.records, "verified": True}
    answer(value, as_json, f"{folder} is whole: {found.records} events of {found.made}{same}.")
