"""Sees pages change the moment they do: Linux's inotify, asked through the C library."""

import ctypes
import os
import re
from collections.abc import Iterator
from pathlib import Path

_MOVED_HERE, _NONBLOCKING, _HEADER = 0x80, 0o4000, 16
_COUNTS = re.compile(rb"data-community-(?:ship|skip)>([\d,]+)<")


class Pages:
    """A page of each of some tools in a site's folder.

    Args:
        site: The site's folder; the pages stand in it already.
        pages: The page of each tool, by slug; of the tools that it shows, only this one gets votes.
    """

    def __init__(self, site: Path, pages: dict[str, str]) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._number = library.inotify_init1(_NONBLOCKING)
        self._files: dict[int, tuple[str, Path]] = {}
        for tool, page in pages.items():
            folder = site / page
            # A page appears by rename, so its arrival is the one thing to wait for.
            watched = library.inotify_add_watch(self._number, bytes(folder), _MOVED_HERE)
            if watched < 0:
                raise OSError(ctypes.get_errno(), f"{folder} cannot be watched")
            self._files[watched] = tool, folder / "index.html"

    def fileno(self) -> int:
        """For a selector."""
        return int(self._number)

    def close(self) -> None:
        """Watch no longer."""
        os.close(self._number)

    def votes(self) -> dict[str, int]:
        """How many votes each page shows now."""
        return {tool: _shown(file) for tool, file in self._files.values()}

    def changed(self) -> Iterator[tuple[str, int]]:
        """The tools whose pages were replaced, each once, and how many votes these show now."""
        raw, at, changed = os.read(self._number, 1 << 16), 0, set()
        while at < len(raw):
            changed.add(int.from_bytes(raw[at : at + 4], "little"))
            at += _HEADER + int.from_bytes(raw[at + 12 : at + 16], "little")
        for watched in changed:
            tool, file = self._files[watched]
            yield tool, _shown(file)


def _shown(file: Path) -> int:
    counts = _COUNTS.findall(file.read_bytes())
    assert len(counts) in (2, 4), f"{file} shows no tally"
    return sum(int(count.replace(b",", b"")) for count in counts)
