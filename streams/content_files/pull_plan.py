"""What a pull does with each file: never loses an edit that is not on the site yet."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from schemas.events import Data
from streams.content_files.model import ContentFile
from streams.content_files.site_content import digest_of

PullAction = Literal["same", "write", "delete", "keep", "conflict"]


class FileUpdate(msgspec.Struct, frozen=True):
    """What happens with one file.

    Attributes:
        path: Of the file.
        action: `write` and `delete` change it; `keep`: it holds edits for the next push;
            `conflict`: both have changed.
        site: What the site says; None where it has nothing.
        local: What the file says; None without a readable file.
    """

    path: str
    action: PullAction
    site: Data | None
    local: Data | None


def plan_pull(
    files: Mapping[str, ContentFile],
    unreadable: Mapping[str, str],
    site: Mapping[str, Data],
    base: Mapping[str, str],
) -> Iterator[FileUpdate]:
    """Compare each file with the site, and both with what they were at the last pull or push.

    Args:
        files: The readable files by path.
        unreadable: The texts of files with errors, by path.
        site: What the site says, by path.
        base: Digests of what both said at the last pull or push, by path.
    """
    for path in sorted({**files, **unreadable, **site}):
        file, remote = files.get(path), site.get(path)
        local = file.data if file else None
        action = _decide(
            digest_of(local) if local else None,
            digest_of(remote) if remote else None,
            base.get(path),
            stays=path in unreadable or (file is not None and file.draft),
        )
        yield FileUpdate(path, action, remote, local)


def _decide(ours: str | None, theirs: str | None, base: str | None, *, stays: bool) -> PullAction:
    if stays:
        return "keep" if theirs in (None, base) else "conflict"
    if ours == theirs:
        return "same"
    if ours is None:
        return "keep" if base == theirs else "write"  # removed here, for a push with --remove
    if theirs is None:
        return "keep" if base is None else "delete" if base == ours else "conflict"
    if base == ours:
        return "write"
    return "keep" if base == theirs else "conflict"
