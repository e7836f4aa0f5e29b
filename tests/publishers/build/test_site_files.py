from pathlib import Path

import pytest

from publishers.build.site_files import BadPath, BlockedPathError, SiteFiles, SupersededError


@pytest.fixture
def files(tmp_path: Path) -> SiteFiles:
    return SiteFiles(tmp_path / "site")


def test_a_page_is_the_index_of_its_folder(files: SiteFiles, tmp_path: Path) -> None:
    assert files.write("/", b"home")
    assert files.write("/tools/ada/", b"ada")
    assert files.write("/feed.xml", b"feed")
    assert (tmp_path / "site/index.html").read_bytes() == b"home"
    assert (tmp_path / "site/tools/ada/index.html").read_bytes() == b"ada"
    assert (tmp_path / "site/feed.xml").read_bytes() == b"feed"
    assert files.paths() == ["/", "/feed.xml", "/tools/ada/"]


def test_the_same_bytes_are_not_written_again(files: SiteFiles, tmp_path: Path) -> None:
    files.write("/", b"home")
    before = (tmp_path / "site/index.html").stat().st_ino
    assert not files.write("/", b"home")
    assert (tmp_path / "site/index.html").stat().st_ino == before
    assert files.write("/", b"new home")
    assert files.read("/") == b"new home"


def test_whoever_reads_a_page_while_others_replace_it_reads_it_to_its_end(
    files: SiteFiles, tmp_path: Path
) -> None:
    files.write("/", b"first")
    with (tmp_path / "site/index.html").open("rb") as reading:
        for content in (b"second", b"third"):
            files.write("/", content)
        assert reading.read() == b"first"
    assert files.read("/") == b"third"
    assert not [path for path in (tmp_path / "site/.writers").rglob("*") if path.is_file()]


def test_where_files_cannot_be_exchanged_one_replaces_the_other(tmp_path: Path) -> None:
    files = SiteFiles(tmp_path / "site", exchange=lambda *_: False)
    files.write("/", b"old")
    assert files.write("/", b"new")
    assert files.read("/") == b"new"
    assert not [path for path in (tmp_path / "site/.writers").rglob("*") if path.is_file()]


def test_a_write_that_fails_leaves_the_old_page_and_nothing_else(
    files: SiteFiles, tmp_path: Path
) -> None:
    files.write("/feed.xml", b"old")
    (tmp_path / "site/folder.xml/inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"folder\.xml"):
        files.write("/folder.xml", b"a file cannot replace a folder")
    assert files.paths() == ["/feed.xml"]
    assert not [path for path in (tmp_path / "site/.writers").rglob("*") if path.is_file()]


def test_after_another_writer_took_over_no_file_can_be_changed(files: SiteFiles) -> None:
    files.write("/", b"old")
    files.write("/tools/ada/", b"ada")
    successor = SiteFiles(files.root)
    successor.acquire()
    successor.write("/", b"new")
    for change in (
        lambda: files.write("/", b"old"),
        lambda: files.write("/feed.xml", b"old"),
        lambda: files.remove("/tools/ada/"),
        lambda: files.remove_all_but(["/"]),
    ):
        with pytest.raises(SupersededError):
            change()
    assert successor.paths() == ["/", "/tools/ada/"]
    assert successor.read("/") == b"new"


def test_a_writer_that_was_stopped_just_before_a_rename_puts_no_older_page_back(
    files: SiteFiles,
) -> None:
    """Whatever it was about to do: its file was prepared, and only has to be moved."""
    files.write("/", b"first")
    (staging,) = (files.root / ".writers").iterdir()
    (staging / "prepared").write_bytes(b"stale")
    SiteFiles(files.root).acquire()
    with pytest.raises(FileNotFoundError):
        (staging / "prepared").replace(files.root / "index.html")
    assert files.read("/") == b"first"


def test_a_writer_that_was_superseded_can_take_over_again(files: SiteFiles) -> None:
    files.write("/", b"first")
    SiteFiles(files.root).acquire()
    files.acquire()
    assert files.write("/", b"second")
    assert len(list((files.root / ".writers").iterdir())) == 1


def test_removing_a_page_removes_the_folders_it_leaves_empty(
    files: SiteFiles, tmp_path: Path
) -> None:
    files.write("/tools/ada/", b"ada")
    assert files.remove("/tools/ada/")
    assert not (tmp_path / "site/tools").exists()
    assert (tmp_path / "site").exists()
    assert not files.remove("/tools/ada/")


def test_putting_nothing_removes(files: SiteFiles) -> None:
    assert files.put("/tools/ada/", b"ada")
    assert files.put("/tools/ada/", None)
    assert not files.put("/tools/ada/", None)
    assert files.read("/tools/ada/") is None


@pytest.mark.parametrize(
    "path",
    [
        "/../secret/",
        "/tools/../../secret",
        "/tools/./x/",
        "//etc/passwd",
        "/tools/\0/",
        "/.hidden",
        "/tools\\..\\x/",
        "relative",
        "/tools/ü/",
        "/a\n/",
        "",
    ],
)
def test_no_path_leads_out_of_the_site(files: SiteFiles, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(BadPath):
        files.write(path, b"x")
    with pytest.raises(BadPath):
        files.remove(path)
    assert files.read(path) is None


def test_an_endless_path_is_no_page(files: SiteFiles) -> None:
    assert files.read(f"/{'a' * 5000}/") is None


def test_a_sweep_leaves_the_named_pages_alone(files: SiteFiles, tmp_path: Path) -> None:
    for path in ("/", "/tools/ada/", "/tools/bob/", "/old.xml"):
        files.write(path, b"x")
    (tmp_path / "site/.index.html.7.part").write_bytes(b"interrupted")
    assert files.remove_all_but(["/", "/tools/bob/"]) == [
        "/.index.html.7.part",
        "/old.xml",
        "/tools/ada/",
    ]
    assert files.paths() == ["/", "/tools/bob/"]
    assert not (tmp_path / "site/.index.html.7.part").exists()


def test_a_tools_stored_comparisons_are_found_by_its_whole_slug(files: SiteFiles) -> None:
    for pair in ("ada-vs-bob", "ada-vs-ada-2", "bob-vs-cyd", "ada-2-vs-cyd"):
        files.write(f"/compare/{pair}/", b"x")
    assert files.comparisons_of("ada") == ["/compare/ada-vs-ada-2/", "/compare/ada-vs-bob/"]
    assert files.comparisons_of("cyd") == ["/compare/ada-2-vs-cyd/", "/compare/bob-vs-cyd/"]
    assert files.comparisons_of("dan") == []
    assert SiteFiles(files.root / "nowhere").comparisons_of("ada") == []


@pytest.mark.parametrize("what", ["folder", "full folder", "folder of another page"])
def test_a_folder_where_a_page_belongs_blocks_that_page_alone(
    files: SiteFiles, tmp_path: Path, what: str
) -> None:
    page = tmp_path / "site/tools/ada/index.html"
    if what == "folder of another page":
        page.parent.parent.mkdir(parents=True)
        page.parent.write_bytes(b"a file in place of a folder")
    else:
        page.mkdir(parents=True)
        if what == "full folder":
            (page / "inside").touch()
    with pytest.raises(BlockedPathError, match="ada"):
        files.write("/tools/ada/", b"ada")
    assert files.write("/tools/bob/", b"bob")
    assert files.read("/tools/ada/") is None
    if what != "folder of another page":
        with pytest.raises(BlockedPathError, match="ada"):
            files.remove("/tools/ada/")
    assert files.remove("/tools/bob/")


def test_a_link_that_loops_is_replaced_by_the_page(files: SiteFiles, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").symlink_to("index.html")
    assert files.read("/") is None
    assert files.write("/", b"home")
    assert files.read("/") == b"home"


def test_a_folder_that_is_a_link_that_loops_blocks_its_pages_alone(
    files: SiteFiles, tmp_path: Path
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/tools").symlink_to("tools")
    with pytest.raises(BlockedPathError, match="tools"):
        files.write("/tools/ada/", b"ada")
    assert files.write("/feed.xml", b"feed")
