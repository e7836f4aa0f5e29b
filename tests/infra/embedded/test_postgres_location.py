import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.errors import EmbeddedError
from infra.embedded.postgres import location
from infra.embedded.postgres.programs import copy_programs, find_programs
from infra.embedded.postgres.server import Postgres
from infra.embedded.process import stop

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody can enter."""
    created = Path(tempfile.mkdtemp(prefix="verdicts-home-"))
    created.chmod(0o755)
    yield created
    shutil.rmtree(created)


@pytest.fixture
def elsewhere(home: Path) -> Path:
    return home / "elsewhere"


def private(home: Path) -> Path:
    data = home / "private" / "data"
    data.mkdir(parents=True)
    data.parent.chmod(0o700)
    return data


def permissions(path: Path) -> list[tuple[str, int, int, int]]:
    return [
        (str(folder), status.st_mode, status.st_uid, status.st_gid)
        for folder in (path, *path.parents)
        for status in [folder.stat()]
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root runs it as somebody else")
def test_a_user_keeps_the_cluster_in_the_data_folder(home: Path, elsewhere: Path) -> None:
    assert location.locate(home, elsewhere)[::2] == (home / "postgres", None)


@root_only
def test_root_keeps_the_cluster_in_a_data_folder_that_can_be_entered(
    home: Path, elsewhere: Path
) -> None:
    # Wherever this project lies: in a private folder its own programs would be copied elsewhere.
    (home / "programs").mkdir()
    (home / "programs" / "postgres").symlink_to("/bin/true")
    located = location.locate(home, elsewhere, programs=lambda: home / "programs")
    assert located.cluster == home / "postgres"
    assert located.user
    assert (located.cluster.stat().st_uid, located.user.uid != 0) == (located.user.uid, True)
    assert not elsewhere.exists()


@root_only
def test_a_private_home_stays_private_and_the_cluster_lives_elsewhere(
    home: Path, elsewhere: Path
) -> None:
    data = private(home)
    before = permissions(data)
    located = location.locate(data, elsewhere)
    assert elsewhere in located.cluster.parents
    assert permissions(data) == before
    assert [path.name for path in data.iterdir()] == ["postgres.json"]
    assert location.locate(data, elsewhere) == located


@root_only
def test_a_cluster_whose_data_folder_was_deleted_is_not_taken_for_a_new_ones(
    home: Path, elsewhere: Path
) -> None:
    data = private(home)
    old = location.locate(data, elsewhere).cluster
    (old / "PG_VERSION").touch()
    shutil.rmtree(data)
    data.mkdir()
    new = location.locate(data, elsewhere).cluster
    assert new == old
    assert not (new / "PG_VERSION").exists()


@root_only
def test_a_moved_data_folder_keeps_its_cluster_and_a_copied_one_gets_its_own(
    home: Path, elsewhere: Path
) -> None:
    data = private(home)
    (location.locate(data, elsewhere).cluster / "PG_VERSION").touch()
    copied = Path(shutil.copytree(data, data.with_name("copied")))
    assert not (location.locate(copied, elsewhere).cluster / "PG_VERSION").exists()
    moved = data.rename(data.with_name("moved"))
    cluster = location.locate(moved, elsewhere).cluster
    assert (cluster / "PG_VERSION").exists()
    assert location.outside_folder(moved) == cluster.parent
    assert location.locate(moved, elsewhere).cluster == cluster


@root_only
def test_a_cluster_that_cannot_be_reached_any_more_is_not_replaced_by_an_empty_one(
    home: Path, elsewhere: Path
) -> None:
    data = home / "open" / "data"
    data.mkdir(parents=True)
    cluster = location.locate(data, elsewhere).cluster
    (cluster / "PG_VERSION").touch()
    data.parent.chmod(0o700)
    with pytest.raises(EmbeddedError, match="cannot be reached any more"):
        location.locate(data, elsewhere)


@root_only
def test_a_folder_of_somebody_else_is_not_taken(home: Path, elsewhere: Path) -> None:
    data = private(home)
    cluster = location.locate(data, elsewhere).cluster
    os.chown(cluster.parent, 65534, 65534)
    (data / "postgres.json").unlink()
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        location.locate(data, elsewhere)


@root_only
@pytest.mark.integration
def test_a_copy_of_the_programs_runs_where_the_originals_cannot_be_reached(
    home: Path, elsewhere: Path
) -> None:
    elsewhere.mkdir()
    copied = copy_programs(find_programs(), elsewhere)
    assert elsewhere in copied.parents
    command = [str(copied / "postgres"), "--version"]
    assert subprocess.run(command, cwd="/", user=65534, group=65534, check=False).returncode == 0
    assert copy_programs(find_programs(), elsewhere) == copied


@pytest.mark.integration
def test_the_server_changes_no_permission_that_is_not_its_own(home: Path) -> None:
    data = home / "data"
    data.mkdir()
    before = permissions(data)
    server = Postgres(data)
    child = server.start()
    stop(child, server.stop_signal, grace=10)
    assert permissions(data) == before
    assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "postgres.password").stat().st_mode) == 0o600


@pytest.mark.integration
def test_a_server_that_outlived_its_run_is_ended_by_the_next(home: Path) -> None:
    first, second = Postgres(home), Postgres(home)
    left = first.start()
    child = second.start()
    assert left.wait(10) == 0
    stop(child, second.stop_signal, grace=10)
