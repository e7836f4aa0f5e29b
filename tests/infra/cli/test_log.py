"""`verdicts log import` and the freezers, which must not decide a week from half of its events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from infra.cli.commands.log import Bar, import_from
from infra.cli.failures import describe
from infra.cli.main import verdicts
from infra.operations.log_export.manifest import FORMAT, LogFilesError, Manifest
from infra.settings import Settings
from streams.processing.week_freezer_thread import ADVISORY_LOCK
from tests.harness.databases import is_free

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export without a record, which any log has room for."""
    folder = tmp_path / "export"
    folder.mkdir()
    exported_at = "2026-11-20T12:00:00Z"
    Manifest(
        format=FORMAT, made=exported_at, cluster="c", records=0, topics={}, schemas=[], files=[]
    ).write(folder)
    return folder


@pytest.fixture
def settings(cluster: dict[str, str], fresh_database: str) -> Settings:
    return Settings.from_environment({**cluster, "DATABASE_URL": fresh_database})


def around(look: Callable[[str], None]) -> Bar:
    """Looks before and after each step of an import."""

    @contextmanager
    def show(doing: str, _of: int) -> Iterator[Callable[[int], None]]:
        look(doing)
        yield lambda _: None
        look(doing)

    return show


@pytest.mark.integration
def test_no_week_is_decided_from_the_first_event_to_the_last_comparison(
    settings: Settings, export: Path
) -> None:
    seen: list[tuple[str, bool]] = []
    import_from(
        export,
        settings,
        around(lambda doing: seen.append((doing, is_free(settings, ADVISORY_LOCK)))),
    )
    steps = ("Verifying the files", "Importing", "Comparing")
    assert seen == [(step, False) for step in steps for _ in range(2)]
    assert is_free(settings, ADVISORY_LOCK)


@pytest.mark.integration
def test_an_import_whose_database_went_away_says_what_may_have_happened(
    settings: Settings, export: Path
) -> None:
    def end(doing: str) -> None:
        if doing == "Importing":
            with psycopg.connect(settings.database_url) as connection:
                connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and pid <> pg_backend_pid()"
                )

    with pytest.raises(
        LogFilesError, match="a week may have been closed without some of its events"
    ):
        import_from(export, settings, around(end))


def test_an_import_without_a_database_says_why_it_needs_one(export: Path, tmp_path: Path) -> None:
    environ = {
        "VERDICTS_DATA": str(tmp_path),
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "DATABASE_URL": f"postgresql://x@{NOWHERE}/x",
    }
    error = CliRunner().invoke(verdicts, ["log", "import", str(export)], env=environ).exception
    assert isinstance(error, Exception)
    assert describe(error).startswith("The database does not answer (")
    assert "no week is closed before all its events are there" in describe(error)
