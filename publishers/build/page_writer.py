"""Renders pages and brings their files up to date, one at a time or all at once."""

from collections.abc import Callable, Collection, Iterable

import structlog

from publishers.build.parallel import map_in_forks
from publishers.build.site_files import BadPath, BlockedPathError, SiteFiles
from publishers.content.site_content import SiteContent
from publishers.pages import catalogue

_REMEDY = "Remove what lies there, then run `verdicts publish --all`."
log = structlog.get_logger(__name__)
Fence = Callable[[], None]


def no_fence() -> None:
    """Let every write pass: no other process writes."""


class PageWriter:
    """Writes the pages of the site's folder.

    Args:
        files: The folder.
        public_url: The site's address.
    """

    def __init__(self, files: SiteFiles, public_url: str) -> None:
        self.files = files
        self._public_url = public_url
        self._fence: Fence = no_fence

    def acquire(self, fence: Fence) -> None:
        """Become the only writer.

        Args:
            fence: Called before each file; raises when another process became the writer.
        """
        self._fence = fence
        self.files.acquire()

    def write(self, content: SiteContent, path: str) -> bool:
        """Bring one page up to date; whether its file changed.

        A page whose path is blocked is left out, and the other pages go on.

        Raises:
            OSError: the file cannot be written.
        """
        stored = catalogue.is_stored(content, path)
        body = catalogue.render(content, path, self._public_url) if stored else None
        self._fence()
        try:
            return self.files.put(path, body)
        except BadPath:
            return self.files.discard(path)
        except BlockedPathError as error:
            log.error("page cannot be written", page=path, reason=str(error), remedy=_REMEDY)
            return False

    def write_all(self, content: SiteContent, paths: Collection[str], processes: int) -> int:
        """Bring all pages up to date, and remove every other file; how many files changed.

        With several `processes` these share the work; see `publishers.build.parallel`.
        """

        def write_each(share: Iterable[str]) -> int:
            return sum(self.write(content, path) for path in share)

        content.similar_tools()  # once for all processes
        changed = map_in_forks(write_each, list(paths), processes)
        return changed + len(self.files.remove_all_but(paths))
