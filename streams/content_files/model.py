"""What content files hold, and what is wrong with one."""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from schemas.fields import SLUG_PATTERN

Kind = Literal["categories", "tools", "reviewers", "reviews"]
Level = Literal["error", "warning"]

LONGEST_SLUG = 80
_SLUG = re.compile(SLUG_PATTERN)


class KindOfFile(NamedTuple):
    """A folder of content files.

    Attributes:
        data: The event that such a file becomes.
        slugs: The fields that the path gives.
        text: The field that the text below the front matter gives; None without one.
    """

    data: type[Data]
    slugs: tuple[str, ...]
    text: str | None


KINDS: Mapping[Kind, KindOfFile] = {
    "categories": KindOfFile(CategoryDefined, ("category",), "description"),
    "reviewers": KindOfFile(ReviewerJoined, ("reviewer",), None),
    "tools": KindOfFile(ToolListed, ("tool",), "description"),
    "reviews": KindOfFile(ReviewSubmitted, ("tool", "reviewer"), "body"),
}
"""By folder, in the order in which events are sent: what others refer to comes first."""


class FileProblem(msgspec.Struct, frozen=True, order=True):
    """Something in a file that an editor should look at; lines count from 1."""

    path: str
    line: int
    level: Level
    detail: str

    def __str__(self) -> str:
        note = "" if self.level == "error" else "warning: "
        return f"{self.path}:{self.line}: {note}{self.detail}"


class ContentFile(msgspec.Struct, frozen=True):
    """A readable file.

    Attributes:
        path: Below the content folder, with slashes.
        data: The event's data.
        draft: Whether it stays home.
        publish: The time before which it stays home, in microseconds since 1970.
        lines: The line of each key, and of the text under the name of its field.
    """

    path: str
    data: Data
    draft: bool = False
    publish: int | None = None
    lines: Mapping[str, int] = {}

    def is_due(self, now: int) -> bool:
        """Whether it may be sent at a time, in microseconds since 1970."""
        return not self.draft and (self.publish is None or self.publish <= now)


def kind_of(path: str) -> Kind:
    """The folder of a content file."""
    folder: Kind = path.partition("/")[0]  # type: ignore[assignment]
    return folder


def path_of(data: Data) -> str:
    """The path of the file that becomes this event."""
    for folder, kind in KINDS.items():
        if isinstance(data, kind.data):
            slugs = [getattr(data, field) for field in kind.slugs]
            return f"{folder}/{'/'.join(slugs)}.md"
    raise ValueError(data.type)


def slugs_in(path: str) -> dict[str, str] | None:
    """The fields that a path gives; None where it is no place of a content file."""
    folder, *rest = path.removesuffix(".md").split("/")
    if folder not in KINDS or not path.endswith(".md"):
        return None
    fields = KINDS[kind_of(path)].slugs
    return dict(zip(fields, rest, strict=True)) if len(rest) == len(fields) else None


def is_slug(text: str) -> bool:
    """Whether a text can be a slug."""
    return len(text) <= LONGEST_SLUG and _SLUG.match(text) is not None
