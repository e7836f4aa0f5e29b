"""The demo's content as typed values: content files, as `verdicts content` keeps them, and a story.

`content/story.yaml` says what the files do not: when each tool was listed and reviewed, what was
different before, and how the crowd votes. Times are days before the end of the story, so that a
demo is always recent.
"""

from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import yaml

from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from streams.content_files.checks import check_folder
from streams.content_files.reading import read_folder

_FOLDER = Path(__file__).parent / "content"

Choice = Literal["ship", "skip"]
DataT = TypeVar("DataT", bound=Data)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the story, in which a misspelt key is an error."""


class EarlierReview(_Table, frozen=True):
    """A review that its reviewer has revised or retracted since."""

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


class FormerPrice(_Table, frozen=True):
    """The price of a tool until a later listing, which came `until` days before the end."""

    until: float
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


class ToolStory(_Table, frozen=True):
    """The story of a tool; `listed` and the values of `reviews` are days before the end."""

    listed: float
    crowd: Crowd
    reviews: dict[str, float]
    earlier_reviews: list[EarlierReview] = []
    retractions: list[DemoRetraction] = []
    former_price: FormerPrice | None = None
    retired: DemoRetirement | None = None


class DemoTool(msgspec.Struct, frozen=True):
    """A tool: its listing, its current reviews, and its story."""

    listing: ToolListed
    reviews: list[ReviewSubmitted]
    story: ToolStory

    @property
    def slug(self) -> str:
        """The tool's slug."""
        return self.listing.tool


class DemoContent(msgspec.Struct, frozen=True):
    """All content; categories by slug, reviewers by position, tools by category and story."""

    categories: list[CategoryDefined]
    reviewers: list[ReviewerJoined]
    tools: list[DemoTool]


def read_content(folder: Path = _FOLDER) -> DemoContent:
    """Read and check all files.

    Raises:
        ValueError: A file has something to correct.
        msgspec.ValidationError: The story has an unknown key, lacks one, or holds a wrong type.
    """
    checked = check_folder(read_folder(folder))
    if checked.problems:
        raise ValueError("\n".join(map(str, checked.problems)))
    data = [file.data for file in checked.files.values()]
    categories = sorted(_of_type(data, CategoryDefined), key=lambda each: each.category)
    tools = list(_read_tools(folder, data))
    return DemoContent(
        categories,
        sorted(_of_type(data, ReviewerJoined), key=lambda each: each.position),
        [
            tool
            for category in categories
            for tool in tools
            if tool.listing.category == category.category
        ],
    )


def _read_tools(folder: Path, data: list[Data]) -> list[DemoTool]:
    """The tools in the order of the story."""
    text: Any = yaml.safe_load((folder / "story.yaml").read_text())
    stories = msgspec.convert(text, dict[str, ToolStory])
    listings = {listing.tool: listing for listing in _of_type(data, ToolListed)}
    reviews = _of_type(data, ReviewSubmitted)
    return [
        DemoTool(listings[slug], [each for each in reviews if each.tool == slug], story)
        for slug, story in stories.items()
    ]


def _of_type(data: list[Data], data_type: type[DataT]) -> list[DataT]:
    return [each for each in data if isinstance(each, data_type)]
