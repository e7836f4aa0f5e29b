"""A press on a folder of its own, whose records tests change and mark."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from publishers.build import site_builder
from publishers.build.site_builder import SiteBuilder
from publishers.build.site_files import SiteFiles
from schemas.events import Event
from tests.harness.examples import (
    a_listing,
)
from tests.harness.journal import Journal

PUBLIC_URL = "https://verdicts.example"


class House:
    """A press on a folder, and a journal whose changes mark pages as a worker does."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.journal = Journal(engine)
        self.press = SiteBuilder(engine, SiteFiles(folder), PUBLIC_URL)

    def print(self, *events: Event) -> site_builder.BuildStats:
        """Apply events and write the pages of what they changed."""
        self.journal.apply(*events)
        return print_marked(self.press)

    def marks(self) -> int:
        """How many marks wait for their pages."""
        with self.engine.connect() as connection:
            return connection.scalar(text("select count(*) from verdicts.dirty")) or 0

    def pages(self) -> dict[str, bytes]:
        """Every file of the site."""
        return pages_in(self.folder)

    def page(self, path: str) -> str:
        return (self.folder / path.strip("/") / "index.html").read_text()

    def comparisons(self) -> list[str]:
        folder = self.folder / "compare"
        return sorted(it.name for it in folder.iterdir()) if folder.exists() else []


def print_marked(one: SiteBuilder) -> site_builder.BuildStats:
    """One round of the publisher: all pages of all marked records."""
    steps = [
        run() for run in (one.build_tool_pages, one.build_dependent_pages, one.build_summaries)
    ]
    rendered, changed = (sum(getattr(it, name) for it in steps) for name in ("rendered", "changed"))
    return site_builder.BuildStats(steps[1].marks, rendered, changed)


def pages_in(folder: Path) -> dict[str, bytes]:
    files = (it for it in folder.rglob("*") if it.is_file())
    return {str(it.relative_to(folder)): it.read_bytes() for it in files}


class Disturbed(SiteFiles):
    """Files with which something happens whenever one was stored; notes their paths."""

    def __init__(self, root: Path, happens: Callable[[str], None]) -> None:
        super().__init__(root)
        self.stored: list[str] = []
        self._happens = happens

    def put(self, path: str, content: bytes | None) -> bool:
        changed = super().put(path, content)
        self.stored.append(path)
        self._happens(path)
        return changed


@contextmanager
def unwritable(file: Path) -> Iterator[None]:
    """A file that nothing can replace; whoever tries fails, and afterwards it is not there."""
    file.unlink()
    file.mkdir()  # nothing can be renamed over a folder
    with pytest.raises(OSError, match="irectory"):
        yield
    file.rmdir()


def insects(*slugs: str) -> list[Event]:
    return [a_listing(slug, slug.title(), "insects") for slug in slugs]
