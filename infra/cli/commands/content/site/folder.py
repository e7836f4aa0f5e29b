"""The content folder on disk: its files, and what both sides were at the last pull or push."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from infra.errors import VerdictsError
from streams.content_files.checks import CheckedFolder, KnownSlugs, check_folder
from streams.content_files.reading import read_folder
from streams.content_files.site_content import digest_of

STATE = ".verdicts-content.json"


class ContentState(msgspec.Struct, kw_only=True):
    """What the folder remembers between two commands.

    Attributes:
        site: The address of the site that the rest is about.
        base: Digests of what file and site both said at the last pull or push, by path.
        stamps: Times by the ids of events that are shown by a preview or under way.
    """

    site: str = ""
    base: dict[str, str] = {}
    stamps: dict[str, int] = {}


class ContentFolder:
    """A folder of content files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, str]:
        """The texts of all content files by path, with slashes.

        Raises:
            VerdictsError: The folder or a file cannot be read.
        """
        if not self.path.is_dir():
            raise VerdictsError(
                f"There is no folder {self.path}; `verdicts content pull` makes it."
            )
        return read_folder(self.path)

    def check(self, on_site: KnownSlugs | None = None) -> CheckedFolder:
        """All files, checked."""
        return check_folder(self.read(), on_site)

    def write(self, path: str, text: str) -> None:
        """Write a file; a reader sees the old or the new one, never a part."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        _replace(file, text)

    def delete(self, path: str) -> None:
        """Delete a file, and its folder of reviews once that is empty."""
        file = self.path / path
        file.unlink(missing_ok=True)
        if path.startswith("reviews/"):
            with contextlib.suppress(OSError):  # it holds other reviews
                file.parent.rmdir()

    def read_state(self, site: str) -> ContentState:
        """What is remembered about a site; nothing where the folder belongs to another one."""
        try:
            state = msgspec.json.decode((self.path / STATE).read_bytes(), type=ContentState)
        except FileNotFoundError:
            return ContentState(site=site)
        except msgspec.DecodeError:
            raise VerdictsError(
                f"{self.path / STATE} cannot be read; delete it, and pull again."
            ) from None
        return state if state.site == site else ContentState(site=site)

    def write_state(self, state: ContentState) -> None:
        """Remember; on disk before this returns."""
        self.path.mkdir(parents=True, exist_ok=True)
        ordered = ContentState(
            site=state.site,
            base=dict(sorted(state.base.items())),
            stamps=dict(sorted(state.stamps.items())),
        )
        _replace(
            self.path / STATE, msgspec.json.format(msgspec.json.encode(ordered)).decode() + "\n"
        )


def read_base(folder: Path) -> Mapping[str, str]:
    """Digests of the readable files of an earlier copy of the content, by path.

    Drafts, and files with a time to be published, may not have been sent; they are left out.
    """
    files = ContentFolder(folder).check().files
    return {
        path: digest_of(file.data)
        for path, file in files.items()
        if not file.draft and file.publish is None
    }


def forget(stamps: dict[str, int], ids: Iterable[str]) -> None:
    """Drop the stamps of events that need them no more."""
    for event_id in ids:
        stamps.pop(event_id, None)


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    with part.open("wb") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
