"""A site builder on a folder of its own, and records that tests change."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, text

from publishers.build.incremental_build import BuildStats, SiteBuilder
from publishers.build.queue.page_queue import Page
from publishers.build.site_files import SiteFiles
from schemas.events import Event
from tests.harness.examples import (
    a_listing,
)
from tests.harness.journal import Journal

PUBLIC_URL = "https://verdicts.example"


@dataclass
class ManualClock:
    """A clock that tests move."""

    seconds: float = 1.0

    def __call__(self) -> float:
        return self.seconds


CLOCK = ManualClock()


class BuilderFixture:
    """A site builder on a folder, and a journal whose changes mark pages as a worker does."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.journal = Journal(engine)
        self.files = FullSiteFiles(folder)
        self.builder = SiteBuilder(engine, self.files, PUBLIC_URL, CLOCK)

    def builder_in_real_time(self) -> SiteBuilder:
        """Another builder on the same folder, for a publisher that runs."""
        return SiteBuilder(self.engine, SiteFiles(self.folder), PUBLIC_URL)

    def build(self, *events: Event) -> BuildStats:
        """Apply events and build the pages that they change."""
        self.journal.apply(*events)
        return build_marked(self.builder)

    def is_complete(self) -> bool:
        """Whether a full build would change nothing."""
        self.builder.acquire()  # where another builder wrote meanwhile
        return self.builder.build_all().changed == 0

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
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def build_marked(
    builder: SiteBuilder, until: Callable[[Page], bool] = lambda _: False
) -> BuildStats:
    """Build all pages of all marked records, or up to a page; time passes when none is due."""
    before = msgspec.structs.astuple(builder.stats)
    builder.notify()
    CLOCK.seconds += 0.1  # since the last change
    while not builder.idle:
        # A bit more than the wait, which may be too small a number to move the clock.
        CLOCK.seconds += builder.seconds_until_due() + 1e-6
        page = builder.build_next()
        if page and until(page):
            break
    after = msgspec.structs.astuple(builder.stats)
    return BuildStats(*(new - old for new, old in zip(after, before, strict=True)))


def pages_in(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


class HookedSiteFiles(SiteFiles):
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


class FullSiteFiles(SiteFiles):
    """Files of a disk that has no room for some of them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.full: set[Path] = set()

    def put(self, path: str, content: bytes | None) -> bool:
        if Path(self._file(path)) in self.full:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        return super().put(path, content)


@contextmanager
def unwritable(site: "BuilderFixture", file: Path) -> Iterator[None]:
    """There is no room for a file, and a build that meets it fails."""
    site.files.full.add(file)
    with pytest.raises(OSError, match="No space left"):
        yield
    site.files.full.clear()


def tools_in_one_category(*slugs: str) -> list[Event]:
    return [a_listing(slug, slug.title(), "insects") for slug in slugs]
