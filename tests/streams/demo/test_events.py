import re
from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import msgspec
import pytest

from schemas.event_validation import read_data
from schemas.events import DEMO_ID_PREFIX
from schemas.time import instants
from streams.demo import events, weeks
from streams.demo.event import DAY, DemoEvent, time_of

END = instants.parse("2026-11-20T10:00:00Z")


@cache
def the_story() -> list[DemoEvent]:
    return events(END)


def of_type(kind: str) -> list[DemoEvent]:
    return [event for event in the_story() if event["type"] == kind]


def current(opens: str, closes: str, *key: str) -> dict[tuple[str, ...], dict]:
    """What stands in the end, of things that one type of event sets and another takes away."""
    latest: dict[tuple[str, ...], dict] = {}
    for event in the_story():
        data = event["data"]
        if event["type"] == opens:
            latest[tuple(str(data[name]) for name in key)] = data
        elif event["type"] == closes:
            latest.pop(tuple(str(data[name]) for name in key), None)
    return latest


def reviews() -> dict[tuple[str, ...], dict]:
    return current("review.submitted", "review.retracted", "tool", "reviewer")


def panel() -> dict[str, Counter]:
    verdicts: dict[str, Counter] = defaultdict(Counter)
    for (tool, _), review in reviews().items():
        verdicts[tool][review["verdict"]] += 1
    return verdicts


def community() -> dict[str, Counter]:
    tallies: dict[str, Counter] = defaultdict(Counter)
    for (tool, _), ballot in current("vote.cast", "vote.retracted", "tool", "voter").items():
        tallies[tool][ballot["choice"]] += 1
    return tallies


def test_every_event_is_one_that_the_api_accepts() -> None:
    for event in the_story():
        read_data(event["type"], msgspec.json.encode(event["data"]))


def test_the_same_end_gives_the_same_events_and_ids() -> None:
    assert events(END) == the_story()


def test_no_id_occurs_twice() -> None:
    assert len({event["id"] for event in the_story()}) == len(the_story())


def test_events_come_oldest_first_and_none_is_later_than_the_end() -> None:
    moments = [time_of(event) for event in the_story()]
    assert all(earlier <= later for earlier, later in pairwise(moments))
    assert moments[-1] <= END
    assert moments[0] > END - 36 * DAY


@pytest.mark.parametrize("end", ["2026-11-16T00:00:00Z", "2027-01-01T00:00:01Z"])
def test_any_moment_can_be_the_end(end: str) -> None:
    story = events(instants.parse(end))
    assert time_of(story[-1]) <= instants.parse(end)


def test_there_are_enough_tools_in_six_categories_with_pairs_to_compare() -> None:
    shelves = Counter(
        data["category"] for (tool,), data in current("tool.listed", "tool.retired", "tool").items()
    )
    assert shelves.total() >= 24
    assert set(shelves) == {event["data"]["category"] for event in of_type("category.defined")}
    assert len(shelves) == 6
    assert min(shelves.values()) >= 3


def test_each_tool_has_three_to_six_reviews_by_reviewers_who_have_joined() -> None:
    joined = {event["data"]["reviewer"] for event in of_type("reviewer.joined")}
    assert len(joined) == 6
    assert {event["data"]["reviewer"] for event in of_type("review.submitted")} == joined
    assert set(panel()) == {event["data"]["tool"] for event in of_type("tool.listed")}
    assert all(3 <= verdicts.total() <= 6 for verdicts in panel().values())


def test_nothing_is_said_of_a_tool_before_it_is_listed() -> None:
    listed = {event["data"]["tool"]: time_of(event) for event in reversed(of_type("tool.listed"))}
    for event in the_story():
        if tool := event["data"].get("tool"):
            assert time_of(event) >= listed[tool], event


@pytest.mark.parametrize(
    ("tool", "name", "entry", "scores"),
    [
        (
            "claude-4-api-tool-use-streaming-prompt-caching",
            "Claude 4 API: Tool Use Streaming & Prompt Caching",
            "paid",
            {"builder": 88, "skeptic": 82, "futurist": 85, "founder": 79},
        ),
        (
            "smolvlm-2-5",
            "SmolVLM 2.5",
            "free",
            {"builder": 88, "skeptic": 82, "futurist": 85, "founder": 78},
        ),
    ],
)
def test_the_two_known_tools_carry_their_facts(
    tool: str, name: str, entry: str, scores: dict[str, int]
) -> None:
    facts = current("tool.listed", "tool.retired", "tool")[(tool,)]
    reviews_of_tool = {
        reviewer: review for (about, reviewer), review in reviews().items() if about == tool
    }
    assert (facts["name"], facts["entry"], facts["category"]) == (name, entry, "developer-tools")
    assert {reviewer: review["score"] for reviewer, review in reviews_of_tool.items()} == scores
    assert panel()[tool] == {"ship": 4}


def test_the_panel_disagrees_in_every_way() -> None:
    seen = {
        (tally["ship"] > tally["skip"]) - (tally["ship"] < tally["skip"])
        for tally in panel().values()
    }
    assert seen == {1, 0, -1}
    assert sum(1 for tally in panel().values() if tally["ship"] and tally["skip"]) >= 10


def test_some_reviews_are_revised_and_one_is_retracted() -> None:
    submitted = Counter(
        (e["data"]["tool"], e["data"]["reviewer"]) for e in of_type("review.submitted")
    )
    assert sum(1 for times in submitted.values() if times > 1) >= 3
    assert len(of_type("review.retracted")) == 1


def test_every_review_has_a_body_of_its_own() -> None:
    bodies = [str(event["data"]["body"]) for event in of_type("review.submitted")]
    assert all(40 <= len(body.split()) <= 120 for body in bodies)
    sentences = Counter(
        sentence
        for body in bodies
        for sentence in re.split(r"(?<=[.!?:])\s+", body)
        if len(sentence.split()) > 3
    )
    assert sentences.most_common(1)[0][1] == 1


def test_thousands_of_voters_vote_change_their_minds_and_keep_bookmarks() -> None:
    votes = of_type("vote.cast") + of_type("vote.retracted")
    assert len({event["data"]["voter"] for event in votes}) >= 2_500
    assert 11_000 <= len(votes) <= 15_000
    assert len(of_type("bookmark.added")) >= 2_000
    cast = Counter((e["data"]["tool"], e["data"]["voter"]) for e in of_type("vote.cast"))
    assert sum(1 for times in cast.values() if times > 1) >= 500
    assert len(of_type("vote.retracted")) >= 200


def test_votes_are_spread_over_the_last_five_weeks() -> None:
    by_seven_days = Counter((END - time_of(event)) // (7 * DAY) for event in of_type("vote.cast"))
    assert set(by_seven_days) == {0, 1, 2, 3, 4}
    assert min(by_seven_days.values()) >= 1_500


def test_the_community_disagrees_with_the_panel_on_some_tools() -> None:
    contrary = [
        tool
        for tool, votes in community().items()
        if (votes["ship"] > votes["skip"]) != (panel()[tool]["ship"] > panel()[tool]["skip"])
    ]
    assert len(contrary) >= 3


def test_one_much_noticed_tool_is_an_exact_tie() -> None:
    votes = community()["meridian-index"]
    assert votes["ship"] == votes["skip"] > 100


def test_the_newest_tool_has_few_votes() -> None:
    newest = of_type("tool.listed")[-1]
    assert END - time_of(newest) < 7 * DAY
    assert 0 < community()[str(newest["data"]["tool"])].total() < 40


def test_a_retired_tool_gets_no_more_votes() -> None:
    (retired,) = of_type("tool.retired")
    last = max(
        time_of(event)
        for event in of_type("vote.cast")
        if event["data"]["tool"] == retired["data"]["tool"]
    )
    assert last < time_of(retired)


def test_weeks_hold_all_events_each_in_its_own_iso_week() -> None:
    story = list(weeks(END))
    assert [event for _, week in story for event in week] == the_story()
    assert [label for label, _ in story] == [
        "2026-W42",
        "2026-W43",
        "2026-W44",
        "2026-W45",
        "2026-W46",
        "2026-W47",
    ]
    for label, week in story:
        for event in (week[0], week[-1]):
            year, number, _ = instants.to_datetime(time_of(event)).isocalendar()
            assert label == f"{year}-W{number:02}"


def test_what_is_invented_says_so() -> None:
    for review in of_type("review.submitted"):
        assert str(review["data"]["disclosure"]).endswith("Invented for this demo.")
    assert all(event["id"].startswith(DEMO_ID_PREFIX) for event in the_story())
