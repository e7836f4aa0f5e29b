"""The content files as typed values: `content/reviewers.toml` and a file for each category.

Times are days before the end of the story, so that a demo is always recent.
"""

from pathlib import Path
from typing import Literal

import msgspec

_FOLDER = Path(__file__).parent / "content"

Choice = Literal["ship", "skip"]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a content file, in which a misspelt key is an error."""


class DemoReviewer(_Table, frozen=True):
    """A member of the panel; the order in the file is the order on the scorecard."""

    slug: str
    name: str
    motto: str


class DemoReview(_Table, frozen=True):
    """A reviewer's review of a tool; a later one of the same reviewer revises it."""

    reviewer: str
    days_ago: float
    score: int
    verdict: Choice
    body: str
    pros: list[str] = []
    cons: list[str] = []
    disclosure: str | None = None


class DemoRetraction(_Table, frozen=True):
    """The retraction of a review."""

    reviewer: str
    days_ago: float
    reason: str


class DemoRetirement(_Table, frozen=True):
    """The end of a tool."""

    days_ago: float
    reason: str


class DemoChange(_Table, frozen=True):
    """A later listing of a tool with another price."""

    days_ago: float
    pricing: str


class Crowd(_Table, frozen=True):
    """The behaviour of the voters towards a tool.

    `reach` is its share of attention beside the other tools, `leaning` the probability of a ship,
    which moves in a line to `leaning_by_the_end`. A `tie` ends with as many ships as skips.
    """

    reach: float
    leaning: float
    leaning_by_the_end: float | None = None
    tie: bool = False


class DemoTool(_Table, frozen=True):
    """A tool and its story; `listed` is in days before the end."""

    slug: str
    name: str
    tagline: str
    description: str
    pricing: str
    entry: Literal["free", "freemium", "paid"]
    best_for: str
    listed: float
    crowd: Crowd
    url: str | None = None
    reviews: list[DemoReview] = []
    retractions: list[DemoRetraction] = []
    changes: list[DemoChange] = []
    retired: DemoRetirement | None = None


class DemoCategory(_Table, frozen=True):
    """A category; its slug is the name of its file."""

    name: str
    description: str
    tools: list[DemoTool]


class Content(msgspec.Struct, frozen=True):
    """All content files; categories by slug, in the order of their slugs."""

    reviewers: list[DemoReviewer]
    categories: dict[str, DemoCategory]

    @property
    def tools(self) -> list[DemoTool]:
        """The tools of all categories."""
        return [tool for category in self.categories.values() for tool in category.tools]


class _Panel(_Table, frozen=True):
    reviewers: list[DemoReviewer]


def read_content(folder: Path = _FOLDER) -> Content:
    """Read and validate all files.

    Raises:
        msgspec.ValidationError: a file has an unknown key, lacks one, or holds a wrong type.
    """
    files = sorted((folder / "categories").glob("*.toml"))
    categories = {
        file.stem: msgspec.toml.decode(file.read_bytes(), type=DemoCategory) for file in files
    }
    panel = msgspec.toml.decode((folder / "reviewers.toml").read_bytes(), type=_Panel)
    return Content(panel.reviewers, categories)
