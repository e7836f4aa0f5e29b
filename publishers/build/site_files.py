"""The site's folder: files that any web server can serve, replaced whole or not at all.

A file appears in one step, so a reader sees the old page or the new one. It is not forced to the
disk: a page lost with the power is rendered again, since a write compares bytes, not memories.

One process writes at a time. A writer prepares its files in a folder of its own, and a new writer
removes the folders of all others. So a writer that was stopped just before a rename, for however
long, has no file left to rename: it cannot put an older page back.
"""

import errno
import os
import re
import shutil
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from infra.errors import VerdictsError
from publishers.build.atomic_exchange import exchange

_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?")
_WRITERS = ".writers"
_BLOCKED = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.ENOTEMPTY)


class BadPath(ValueError):  # noqa: N818 (it says what it is)
    """A path that cannot be a page of the site."""


class SupersededError(VerdictsError, OSError):
    """Another process became the writer of the site's folder."""


class BlockedPathError(OSError):
    """What lies at a page's path is no file, such as a folder or a link that loops."""


class StoredFile(NamedTuple):
    """The bytes of a page, and when these were written, in seconds since 1970."""

    content: bytes
    written: float


class SiteFiles:
    """Pages as files: `/tools/x/` is `tools/x/index.html`, `/feed.xml` is `feed.xml`."""

    def __init__(self, root: Path, exchange: Callable[[str, str], bool] = exchange) -> None:
        """The first page creates `root`; `exchange` returns False where the system has none."""
        self.root = root
        self._exchange = exchange
        self._staging: Path | None = None

    def acquire(self) -> None:
        """Become the only writer: every later change by another writer fails.

        Raises:
            OSError: The folder cannot be written.
        """
        self._staging = self._new_staging()
        for other in set(self._staging.parent.iterdir()) - {self._staging}:
            # In one step, since the owner of a folder that is being emptied can still add a file.
            gone = other.with_name(f"gone-{uuid.uuid4().hex}")
            other.rename(gone)
            shutil.rmtree(gone)

    def read(self, path: str) -> bytes | None:
        """The stored bytes of a page; None when there is no such file."""
        stored = self.load(path)
        return stored and stored.content

    def load(self, path: str) -> StoredFile | None:
        """A stored page with the time of its write; None when there is no such file."""
        try:
            with open(self._file(path), "rb", buffering=0) as file:
                return StoredFile(file.read(), os.fstat(file.fileno()).st_mtime)
        except (BadPath, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
                return None
            raise

    def version(self, path: str) -> tuple[int, int] | None:
        """What differs whenever a page was written anew; None when there is no such file."""
        try:
            status = os.stat(self._file(path))
        except (BadPath, OSError):
            return None
        return status.st_ino, status.st_mtime_ns

    def write(self, path: str, content: bytes) -> bool:
        """Store a page; False when the same bytes stand there already.

        Raises:
            BadPath: When the path is not one of a page.
            SupersededError: When another process became the writer.
            BlockedPathError: When no file can lie there; other pages are not affected.
            OSError: When the file cannot be written; what stood there still does.
        """
        file, before = self._file(path), self.read(path)
        if before == content:
            return False
        prepared = self._prepared()
        try:
            with open(prepared, "wb", buffering=0) as opened:
                opened.write(content)
            if before is not None and self._exchange(prepared, file):
                # The former page. A reader may have it open, so it is removed and not overwritten.
                os.unlink(prepared)
            else:
                _move(prepared, file)
        except OSError as error:
            self._require_still_writer()
            Path(prepared).unlink(missing_ok=True)
            if error.errno in _BLOCKED:
                raise BlockedPathError(error.errno, error.strerror, file) from error
            raise
        return True

    def remove(self, path: str) -> bool:
        """Remove a page and the folders that this leaves empty; False when there is none.

        Raises:
            BadPath: When the path is not one of a page.
            SupersededError: When another process became the writer.
            BlockedPathError: When a folder lies there.
        """
        return self._remove(self._file(path))

    def put(self, path: str, content: bytes | None) -> bool:
        """Write the page, or remove it when it has no content; whether anything changed."""
        return self.remove(path) if content is None else self.write(path, content)

    def paths(self) -> list[str]:
        """Every stored page, sorted."""
        return sorted(self.walk())

    def walk(self) -> Iterator[str]:
        """Every stored page in no order, read bit by bit; files may come and go meanwhile."""
        folders = [str(self.root)]
        while folders:
            with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if not entry.is_dir():
                        yield self._path(entry.path)
                    elif not entry.is_symlink() and entry.name != _WRITERS:
                        folders.append(entry.path)

    def discard(self, path: str) -> bool:
        """Remove a file that `walk` found, also one whose name no page can have.

        Raises:
            SupersededError: When another process became the writer.
        """
        folder = path.endswith("/")
        return self._remove(f"{self.root}{path}index.html" if folder else f"{self.root}{path}")

    def comparisons_of(self, tool: str) -> list[str]:
        """The stored comparisons that this tool is part of, whatever its category is now."""
        pair = re.compile(f"(.+-vs-)?{re.escape(tool)}(-vs-.+)?")
        folder = self.root / "compare"
        names = sorted(page.name for page in folder.iterdir()) if folder.is_dir() else []
        return [f"/compare/{name}/" for name in names if "-vs-" in name and pair.fullmatch(name)]

    def remove_all_but(self, keep: Iterable[str]) -> list[str]:
        """Remove every file but those of these pages.

        Raises:
            SupersededError: When another process became the writer.
        """
        files = {self._file(path) for path in keep}
        removed = [file for file in list(self._files()) if file not in files and self._remove(file)]
        return sorted(map(self._path, removed))

    def _files(self) -> Iterator[str]:
        for folder, folders, names in os.walk(self.root):
            if _WRITERS in folders:
                folders.remove(_WRITERS)
            yield from (f"{folder}/{name}" for name in names)

    def _remove(self, file: str) -> bool:
        if not os.path.lexists(file):
            return False
        if os.path.isdir(file) and not os.path.islink(file):
            raise BlockedPathError(errno.EISDIR, "Is a directory", file)
        removed = self._prepared()
        try:
            # Through the staging folder: once another writer removed that, this must fail.
            os.replace(file, removed)
        except FileNotFoundError:
            self._require_still_writer()
            return False
        os.unlink(removed)
        self._remove_empty(Path(file).parent)
        return True

    def _prepared(self) -> str:
        """The staged file of this thread, before or after it is part of the site."""
        if self._staging is None:
            self._staging = self._new_staging()
        return f"{self._staging}/{threading.get_native_id()}"

    def _new_staging(self) -> Path:
        staging = self.root / _WRITERS / uuid.uuid4().hex
        staging.mkdir(parents=True)
        return staging

    def _require_still_writer(self) -> None:
        if self._staging and not self._staging.exists():
            raise SupersededError("Another writer took over the site and brings it up to date.")

    def _file(self, path: str) -> str:
        if not path or not _PATH.fullmatch(path):
            raise BadPath(f"{path!r} is not a path of the site")
        # A page's path ends with a slash, and its file is the index of that folder.
        return f"{self.root}{path}index.html" if path.endswith("/") else f"{self.root}{path}"

    def _path(self, file: str) -> str:
        return file.removeprefix(str(self.root)).removesuffix("index.html")

    def _remove_empty(self, folder: Path) -> None:
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return  # not empty
            folder = folder.parent


def _move(prepared: str, file: str) -> None:
    """Rename a staged file to its place; its folder nearly always exists."""
    try:
        os.replace(prepared, file)
    except FileNotFoundError:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(prepared, file)
