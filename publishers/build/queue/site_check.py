"""Checks all files of the site in slices, so that changes need not wait for the check."""

from collections.abc import Iterator, Mapping
from itertools import islice

from projections.record_keys import RecordKey
from publishers.build.site_files import SiteFiles
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue

SLICE = 100
"""Paths of a slice, and files to look at for one."""


class SiteCheck:
    """The paths of all pages that there should be, then those of files that belong to none.

    Pages of tools that are listed meanwhile have marks of their own.

    Args:
        marks: The marks of the whole site that ask for the check, by their ids.
        since: When these were read, by the builder's clock.
        content: What pages are made from.
        files: The stored pages.
    """

    def __init__(
        self,
        marks: Mapping[int, RecordKey],
        since: float,
        content: SiteContent,
        files: SiteFiles,
    ) -> None:
        self.marks = marks
        self.since = since
        self.over = False
        self._paths = _paths(content, files)

    def next_slice(self) -> list[str]:
        """The next paths to build; it may be empty also before the check is over."""
        paths = list(islice(self._paths, SLICE))
        self.over = len(paths) < SLICE
        return [path for path in paths if path]


def _paths(content: SiteContent, files: SiteFiles) -> Iterator[str]:
    """All paths, with empty ones for files that were looked at and are to stay."""
    expected = dict.fromkeys(catalogue.page_paths(content))
    # Pages of this version need its assets.
    yield from sorted(expected, key=lambda path: not path.startswith("/static/"))
    for path in files.walk():
        yield "" if path in expected else path
