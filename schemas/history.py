"""How verdicts on one tool came about: the panel change by change, the community week by week."""

from datetime import datetime

import msgspec

from schemas.records import Community, Verdict


class PanelPoint(msgspec.Struct, frozen=True):
    """What the panel said from `time` on."""

    time: datetime
    verdict: Verdict
    ship: int
    skip: int
    percent: int | None
    mean: float | None


class CommunityPoint(msgspec.Struct, frozen=True):
    """What the community said when a week was frozen; `end` is the week's end."""

    week: str
    end: datetime
    community: Community
    bookmarks: int


class History(msgspec.Struct, frozen=True):
    """Both, oldest first; the present state of the community is not in it."""

    panel: list[PanelPoint] = []
    community: list[CommunityPoint] = []
