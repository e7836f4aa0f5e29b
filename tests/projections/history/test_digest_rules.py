import json
from typing import Any

import pytest

from projections.history.digest_inputs import ListedTool, PreviousTallies, Revision, TallyCounts
from projections.history.digest_rules import make_digest
from schemas import digests
from schemas.digests import MergedTool, WeeklyDigest
from schemas.history import Merge
from schemas.records import CategoryName, Choice
from schemas.time import weeks
from schemas.time.instants import to_datetime

WEEK = "2026-W47"
START, END = weeks.span(WEEK)
HOUR = weeks.DAY // 24
NOON = to_datetime(START + 12 * HOUR)
TOOLS = CategoryName("developer-tools", "Developer Tools")


def a_tool(
    slug: str = "kith",
    votes: tuple[int, int] = (0, 0),
    bookmarks: int = 0,
    listed: int = START - HOUR,
) -> ListedTool:
    tally = TallyCounts(*votes, bookmarks)
    return ListedTool(slug, slug.title(), TOOLS, "It does.", "free", listed, tally)


def a_revision(
    verdict: Choice | None = "ship",
    score: int = 80,
    *,
    by: str = "builder",
    tool: str = "kith",
    time: int = START + HOUR,
) -> Revision:
    """What a reviewer said; without a verdict they took it back."""
    return Revision(tool, by, by.title(), time, score if verdict else None, verdict, "Words.")


def before(**tallies: tuple[int, int, int]) -> PreviousTallies:
    named = {slug.replace("_", "-"): TallyCounts(*counts) for slug, counts in tallies.items()}
    return PreviousTallies("2026-W46", named)


def the_digest(
    tools: list[ListedTool],
    revisions: list[Revision] | None = None,
    past: PreviousTallies | None = None,
) -> WeeklyDigest:
    digest = make_digest(WEEK, tools, revisions or [], past or PreviousTallies())
    assert digest is not None
    return digest


def slugs(items: list[Any]) -> list[str]:
    return [item.tool for item in items]


def test_a_week_in_which_nothing_happened_has_no_digest() -> None:
    old = a_tool(votes=(3, 1), bookmarks=2)
    assert make_digest(WEEK, [], [], PreviousTallies()) is None
    assert make_digest(WEEK, [old], [a_revision(time=START - HOUR)], before(kith=(3, 1, 2))) is None


def test_a_reviewer_who_left_in_the_week_counts_before_it_and_not_after_it() -> None:
    left = [
        a_revision(time=START - HOUR)._replace(left=START + HOUR),
        a_revision("skip", 30, by="skeptic", time=START - HOUR),
        a_revision("skip", 20, time=START + 2 * HOUR)._replace(left=START + HOUR),
    ]
    digest = the_digest([a_tool()], left)
    (change,) = digest.panel_changes
    assert (change.before.verdict, change.after.verdict) == ("split", "skip")
    assert (digest.counts.reviews, digest.reviews) == (0, [])
    long_ago = [revision._replace(left=START - 1) for revision in left[:1]]
    assert make_digest(WEEK, [a_tool()], [*long_ago, left[1]], PreviousTallies()) is None
    later = [revision._replace(left=END) for revision in left[:1]]
    assert make_digest(WEEK, [a_tool()], [*later, left[1]], PreviousTallies()) is None


def test_a_merge_is_news_by_itself_where_its_tool_is_on_the_site() -> None:
    merges = [Merge("kin", "Kin", "kith", "One maker.", NOON), Merge("a", "A", "b", None, NOON)]
    digest = make_digest(WEEK, [a_tool()], [], PreviousTallies(), merges)
    assert digest
    assert digest.merges == [MergedTool("kith", "Kith", TOOLS, "kin", "Kin", "One maker.", NOON)]
    assert make_digest(WEEK, [a_tool()], [], PreviousTallies(), merges[1:]) is None


def test_a_digest_names_its_week() -> None:
    digest = the_digest([a_tool(votes=(1, 0))])
    assert digests.write(digest).startswith(
        '{"week":"2026-W47","start":"2026-11-16T00:00:00Z","end":"2026-11-23T00:00:00Z",'
        '"frozen":false,"since":null,"counts":{"tools":1,'
    )
    assert digests.read(digests.write(digest)) == digest


def test_what_stands_in_the_place_of_a_quiet_weeks_digest_is_json_and_no_digest() -> None:
    text = digests.write(digests.QuietWeek(WEEK, quiet=True))
    assert json.loads(text) == {"week": WEEK, "quiet": True}
    assert digests.read(text) is None
    assert digests.is_quiet(text)
    assert not digests.is_quiet(digests.write(the_digest([a_tool(votes=(1, 0))])))
    assert not digests.is_quiet("no JSON")


def test_a_tool_is_new_in_the_week_of_its_first_listing() -> None:
    tools = [
        a_tool("ancient", listed=START - 1),
        a_tool("late", listed=END - 1),
        a_tool("next", listed=END),
        a_tool("early", listed=START),
    ]
    digest = the_digest(tools)
    assert slugs(digest.new_tools) == ["early", "late"]
    assert (digest.counts.tools, digest.counts.new_tools) == (3, 2)


def test_the_panel_is_told_from_the_revisions_own_times() -> None:
    revisions = [
        a_revision("ship", 80, time=START - HOUR),
        a_revision("skip", 30, time=START),
        a_revision("ship", 90, time=END),
    ]
    (change,) = the_digest([a_tool()], revisions).panel_changes
    assert (change.before.verdict, change.before.mean) == ("ship", 80)
    assert (change.after.verdict, change.after.mean) == ("skip", 30)


def test_turned_verdicts_stand_before_new_ones_and_those_before_verdicts_that_went() -> None:
    tools = [a_tool("fresh"), a_tool("gone"), a_tool("same"), a_tool("turned")]
    revisions = [
        a_revision("ship", tool="gone", time=START - HOUR),
        a_revision("ship", tool="same", time=START - HOUR),
        a_revision("ship", tool="turned", time=START - HOUR),
        a_revision(None, tool="gone"),
        a_revision("ship", 50, tool="same"),
        a_revision("skip", tool="turned"),
        a_revision("ship", tool="fresh"),
    ]
    digest = the_digest(tools, revisions)
    assert slugs(digest.panel_changes) == ["turned", "fresh", "gone"]
    assert (digest.counts.reviews, digest.counts.retractions) == (3, 1)


def test_a_review_older_than_its_tools_listing_is_new_with_the_tool() -> None:
    revisions = [a_revision("ship", time=START - HOUR)]
    (change,) = the_digest([a_tool(listed=START + HOUR)], revisions).panel_changes
    assert (change.before.verdict, change.after.verdict) == ("none", "ship")


def test_a_community_flips_when_its_verdict_changes() -> None:
    tools = [a_tool("first", (1, 0)), a_tool("flipped", (2, 3)), a_tool("steady", (9, 3)),
             a_tool("tied", (4, 4))]  # fmt: skip
    past = before(flipped=(2, 1, 0), steady=(3, 1, 0), tied=(4, 2, 0))
    digest = the_digest(tools, past=past)
    assert slugs(digest.flips) == ["tied", "flipped"]
    assert digest.since == "2026-W46"
    assert (digest.flips[1].before.verdict, digest.flips[1].after.verdict) == ("ship", "skip")


@pytest.mark.parametrize(
    ("votes", "is_close"), [((10, 10), True), ((9, 10), False), ((53, 47), True), ((54, 47), False)]
)
def test_a_close_call_has_votes_enough_and_next_to_nothing_between(
    votes: tuple[int, int], is_close: bool
) -> None:
    assert bool(the_digest([a_tool(votes=votes)]).close_calls) is is_close


def test_the_closest_call_comes_first_and_the_most_voted_one_of_equals() -> None:
    tools = [a_tool("few", (10, 10)), a_tool("many", (50, 50)), a_tool("near", (51, 50))]
    assert slugs(the_digest(tools).close_calls) == ["many", "few", "near"]


def test_what_moved_is_the_tally_less_the_frozen_one() -> None:
    tools = [a_tool("calm", (5, 5), 9), a_tool("down", (1, 1), 0), a_tool("up", (30, 10), 8)]
    past = before(calm=(5, 5, 9), down=(2, 1, 4), up=(20, 8, 5))
    digest = the_digest(tools, past=past)
    assert [(move.tool, move.ship, move.skip, move.votes) for move in digest.votes] == [
        ("up", 10, 2, 12),
        ("down", -1, 0, -1),
    ]
    assert [(move.tool, move.change) for move in digest.bookmarks] == [("down", -4), ("up", 3)]
    assert (digest.counts.votes, digest.counts.bookmarks) == (11, -1)


def test_a_voter_who_changes_sides_moves_something_though_no_vote_is_new() -> None:
    digest = the_digest([a_tool(votes=(4, 6))], past=before(kith=(5, 5, 0)))
    assert [(move.ship, move.skip, move.votes) for move in digest.votes] == [(-1, 1, 0)]


def test_a_review_is_worth_reading_when_its_reviewer_changed_sides() -> None:
    revisions = [a_revision("ship", 80, time=START - HOUR), a_revision("skip", 40)]
    (pick,) = the_digest([a_tool()], revisions).reviews
    assert (pick.reason, pick.before, pick.verdict, pick.score) == ("changed", "ship", "skip", 40)


def test_a_review_is_worth_reading_when_it_stands_apart_from_two_others() -> None:
    others = [
        a_revision(by="a", score=80, time=START - 2 * HOUR),
        a_revision(by="b", score=71, time=START - HOUR),
    ]
    (pick,) = the_digest([a_tool()], [*others, a_revision("skip", 30, by="c")]).reviews
    assert (pick.reason, pick.reviewer, pick.others) == ("apart", "c", 75.5)
    near = the_digest([a_tool()], [*others, a_revision("ship", 61, by="c")])
    assert near.reviews == []


def test_a_review_is_worth_reading_when_it_is_the_first_word_on_its_tool() -> None:
    revisions = [a_revision(by="a", time=START + HOUR), a_revision(by="b", time=START + 2 * HOUR)]
    (pick,) = the_digest([a_tool()], revisions).reviews
    assert (pick.reason, pick.reviewer) == ("first", "a")


def test_what_was_retracted_or_revised_within_the_week_is_not_picked() -> None:
    revisions = [
        a_revision("ship", by="a"),
        a_revision(None, by="a", time=START + 2 * HOUR),
        a_revision("ship", by="b", time=START + 3 * HOUR),
    ]
    assert the_digest([a_tool()], revisions).reviews == []


def test_no_tool_is_picked_twice_and_no_reason_more_than_twice() -> None:
    tools = [a_tool(slug) for slug in ("a", "b", "c", "d")]
    revisions = [a_revision("ship", 10, tool=tool.tool, time=START - HOUR) for tool in tools]
    revisions += [a_revision("skip", 20 + at, tool=tool.tool) for at, tool in enumerate(tools)]
    assert slugs(the_digest(tools, revisions).reviews) == ["d", "c"]


def test_a_list_is_bounded_and_the_counts_say_how_many_there_are() -> None:
    tools = [a_tool(f"tool-{number:03}", listed=START) for number in range(120)]
    digest = the_digest(tools)
    assert (len(digest.new_tools), digest.counts.new_tools) == (digests.MOST_ITEMS, 120)
