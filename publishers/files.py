"""The site's folder: files that any web server can serve, replaced whole or not at all.

A file appears by rename, so a reader sees the old page or the new one. It is not forced to the
disk: a page lost with the power is rendered again, since a write compares bytes, not memories.
One process writes at a time.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_PREPARED = ".part"


class BadPath(ValueError):  # noqa: N818 (it says what it is)
    """A path that cannot be a page of the site."""


class SiteFiles:
    """Pages as files: `/tools/x/` is `tools/x/index.html`, `/feed.xml` is `feed.xml`."""

    def __init__(self, root: Path) -> None:
        """`root` is made when the first page is written."""
        self.root = root

    def read(self, path: str) -> bytes | None:
        """The stored bytes of a page; None when there is no such file."""
        try:
            return self._file(path).read_bytes()
        except (BadPath, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return None
            raise

    def write(self, path: str, content: bytes) -> bool:
        """Store a page; False when the same bytes stand there already.

        Raises:
            BadPath: When the path is not one of a page.
            OSError: When the file cannot be written; what stood there still does.
        """
        file = self._file(path)
        if self.read(path) == content:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        prepared = file.with_name(f".{file.name}.{os.getpid()}{_PREPARED}")
        try:
            prepared.write_bytes(content)
            prepared.replace(file)
        except OSError:
            prepared.unlink(missing_ok=True)
            raise
        return True

    def remove(self, path: str) -> bool:
        """Remove a page and the folders that this leaves empty; False when there is none."""
        file = self._file(path)
        try:
            file.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        self._remove_empty(file.parent)
        return True

    def put(self, path: str, content: bytes | None) -> bool:
        """Write the page, or remove it when it has no content; whether anything changed."""
        return self.remove(path) if content is None else self.write(path, content)

    def paths(self) -> list[str]:
        """Every stored page, sorted."""
        return sorted(_path(file.relative_to(self.root)) for file in self._files())

    def comparisons_of(self, tool: str) -> list[str]:
        """The stored comparisons that this tool is part of, whatever its category is now."""
        pair = re.compile(f"(.+-vs-)?{re.escape(tool)}(-vs-.+)?")
        folder = self.root / "compare"
        names = sorted(page.name for page in folder.iterdir()) if folder.is_dir() else []
        return [f"/compare/{name}/" for name in names if "-vs-" in name and pair.fullmatch(name)]

    def sweep(self, keep: Iterable[str]) -> list[str]:
        """Remove every file but those of these pages, what an interrupted write left included."""
        kept = {self._file(path) for path in keep}
        removed = [file for file in list(self._files(prepared=True)) if file not in kept]
        for file in removed:
            file.unlink(missing_ok=True)
            self._remove_empty(file.parent)
        return sorted(_path(file.relative_to(self.root)) for file in removed)

    def _files(self, *, prepared: bool = False) -> Iterator[Path]:
        for folder, _, names in os.walk(self.root):
            for name in names:
                if prepared or not name.endswith(_PREPARED):
                    yield Path(folder, name)

    def _file(self, path: str) -> Path:
        segments = path.removeprefix("/").split("/")
        # A page's path ends with a slash, and its file is the index of that folder.
        segments[-1] = segments[-1] or "index.html"
        if not path.startswith("/") or not all(map(_SEGMENT.fullmatch, segments)):
            raise BadPath(f"{path!r} is not a path of the site")
        return self.root.joinpath(*segments)

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return  # something else stands in it
            folder = folder.parent


def _path(file: Path) -> str:
    return "/" + file.as_posix().removesuffix("index.html")
