import pytest

from publishers.files import BadPath, SiteFiles


@pytest.fixture
def files(tmp_path):
    return SiteFiles(tmp_path / "site")


def test_a_page_is_the_index_of_its_folder(files, tmp_path):
    assert files.write("/", b"home")
    assert files.write("/tools/ada/", b"ada")
    assert files.write("/feed.xml", b"feed")
    assert (tmp_path / "site/index.html").read_bytes() == b"home"
    assert (tmp_path / "site/tools/ada/index.html").read_bytes() == b"ada"
    assert (tmp_path / "site/feed.xml").read_bytes() == b"feed"
    assert files.paths() == ["/", "/feed.xml", "/tools/ada/"]


def test_the_same_bytes_are_not_written_again(files, tmp_path):
    files.write("/", b"home")
    before = (tmp_path / "site/index.html").stat().st_ino
    assert not files.write("/", b"home")
    assert (tmp_path / "site/index.html").stat().st_ino == before
    assert files.write("/", b"new home")
    assert files.read("/") == b"new home"


def test_a_write_that_fails_leaves_the_old_page_and_nothing_else(files, tmp_path):
    files.write("/feed.xml", b"old")
    (tmp_path / "site/folder.xml/inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"folder\.xml"):
        files.write("/folder.xml", b"a file cannot replace a folder")
    assert files.paths() == ["/feed.xml"]
    assert not list((tmp_path / "site").glob(".*"))


def test_removing_a_page_removes_the_folders_it_leaves_empty(files, tmp_path):
    files.write("/tools/ada/", b"ada")
    assert files.remove("/tools/ada/")
    assert not (tmp_path / "site/tools").exists()
    assert (tmp_path / "site").exists()
    assert not files.remove("/tools/ada/")


def test_putting_nothing_removes(files):
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
def test_no_path_leads_out_of_the_site(files, tmp_path, path):
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(BadPath):
        files.write(path, b"x")
    with pytest.raises(BadPath):
        files.remove(path)
    assert files.read(path) is None


def test_an_endless_path_is_no_page(files):
    assert files.read(f"/{'a' * 5000}/") is None


def test_a_sweep_leaves_the_named_pages_alone(files, tmp_path):
    for path in ("/", "/tools/ada/", "/tools/bob/", "/old.xml"):
        files.write(path, b"x")
    (tmp_path / "site/.index.html.7.part").write_bytes(b"interrupted")
    assert files.paths() == ["/", "/old.xml", "/tools/ada/", "/tools/bob/"]
    assert files.sweep(["/", "/tools/bob/"]) == ["/.index.html.7.part", "/old.xml", "/tools/ada/"]
    assert files.paths() == ["/", "/tools/bob/"]
    assert not (tmp_path / "site/.index.html.7.part").exists()


def test_a_tools_stored_comparisons_are_found_by_its_whole_slug(files):
    for pair in ("ada-vs-bob", "ada-vs-ada-2", "bob-vs-cyd", "ada-2-vs-cyd"):
        files.write(f"/compare/{pair}/", b"x")
    assert files.comparisons_of("ada") == ["/compare/ada-vs-ada-2/", "/compare/ada-vs-bob/"]
    assert files.comparisons_of("cyd") == ["/compare/ada-2-vs-cyd/", "/compare/bob-vs-cyd/"]
    assert files.comparisons_of("dan") == []
    assert SiteFiles(files.root / "nowhere").comparisons_of("ada") == []
