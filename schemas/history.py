"""The history of a tool's verdicts: the panel change by change, the community week by week."""

from datetime import datetime

import msgspec

from schemas.records import Community, Verdict


class PanelPoint(msgspec.Struct, frozen=True):
    """The panel's verdict and counts from `time` on."""

    time: datetime
    verdict: Verdict
    ship: int
    skip: int
    percent: int | None
    mean: float | None


class CommunityPoint(msgspec.Struct, frozen=True):
    """The community's counts at the freeze of a week; `end` is the week's end."""

    week: str
    end: datetime
    community: Community
    bookmarks: int


class History(msgspec.Struct, frozen=True, weakref=True):
    """Panel and community, oldest first, without the community's current counts."""

    panel: list[PanelPoint] = []
    community: list[CommunityPoint] = []
