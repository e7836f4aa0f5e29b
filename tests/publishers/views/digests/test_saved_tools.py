"""The news of one tool, for a reader who saved it."""

from datetime import timedelta

import msgspec

from publishers.views.digests.saved_tools import tool_news, vote_move
from schemas.digests import VoteMove, WeeklyDigest
from schemas.records import Community, Tool
from tests.harness.digest_records import a_digest
from tests.harness.records import SKEPTIC, a_review, a_tool

DIGEST = a_digest()
IN_THE_WEEK = DIGEST.start + timedelta(days=2)


def no_votes(tool: Tool) -> VoteMove:
    return vote_move(tool, 0, 0, Community.of(3, 4))


def quiet() -> WeeklyDigest:
    return WeeklyDigest(week=DIGEST.week, start=DIGEST.start, end=DIGEST.end, frozen=True)


def test_a_tool_without_news_has_none() -> None:
    old = a_review(SKEPTIC, 40, time=DIGEST.start - timedelta(microseconds=1))
    tool = a_tool("patchwork", "Patchwork", old)
    assert tool_news(quiet(), tool, no_votes(tool)) is None


def test_the_panels_verdict_comes_before_that_of_the_community() -> None:
    tool = a_tool("patchwork", "Patchwork")
    news = tool_news(DIGEST, tool, no_votes(tool))
    assert news is not None
    assert [item.voice for item in news.items if item.before] == ["Panel", "Community"]
    assert (news.name, news.path) == ("Patchwork", "/tools/patchwork/")


def test_each_review_of_the_week_is_news_also_one_that_the_digest_does_not_pick() -> None:
    tool = a_tool("patchwork", "Patchwork", a_review(SKEPTIC, 40, "skip", time=IN_THE_WEEK))
    news = tool_news(quiet(), tool, no_votes(tool))
    assert news is not None
    assert [item.line for item in news.items] == [f"{SKEPTIC.name}: 40/100 · skip"]


def test_votes_are_news_unless_a_flip_has_told_of_them() -> None:
    tool = a_tool("patchwork", "Patchwork")
    move = vote_move(tool, 3, -1, Community.of(13, 4))
    news = tool_news(quiet(), tool, move)
    assert news is not None
    assert [item.line for item in news.items] == [
        "+3 ship, \N{MINUS SIGN}1 skip · now 13 ship / 4 skip"
    ]
    assert DIGEST.flips
    both = tool_news(msgspec.structs.replace(DIGEST, panel_changes=[], merges=[]), tool, move)
    assert both is not None
    assert [item.voice for item in both.items] == ["Community"]


def test_a_retired_tool_says_so_without_a_link() -> None:
    tool = a_tool("patchwork", "Patchwork", retired="Closed.", listed=IN_THE_WEEK)
    news = tool_news(quiet(), tool, no_votes(tool))
    assert news is not None
    assert (news.path, news.items[0].line) == ("", "Retired: Closed.")
