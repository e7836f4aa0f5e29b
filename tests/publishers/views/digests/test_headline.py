import msgspec
import pytest

from publishers.views.digests import headline
from schemas.digests import Counts, Flip, NewTool, PanelChange, PanelVerdict, WeeklyDigest
from schemas.records import CategoryName, Community, Verdict
from tests.harness.digest_records import a_digest
from tests.harness.records import NOON

CATEGORY = CategoryName("insects", "Insects")
STANDINGS: dict[Verdict, PanelVerdict] = {
    "ship": PanelVerdict("ship", 2, 0, 100, 80.0),
    "split": PanelVerdict("split", 1, 1, 50, 50.0),
    "skip": PanelVerdict("skip", 0, 2, 0, 30.0),
    "none": PanelVerdict("none", 0, 0, None, None),
}
SHIP, SPLIT, SKIP = Community.of(30, 2), Community.of(5, 5), Community.of(2, 30)


def change(name: str, before: Verdict, after: Verdict) -> PanelChange:
    return PanelChange(name.lower(), name, CATEGORY, STANDINGS[before], STANDINGS[after])


def flip(name: str, after: Community) -> Flip:
    return Flip(name.lower(), name, CATEGORY, Community.of(1, 1), after)


def a_week(
    changes: list[PanelChange] | None = None,
    flips: list[Flip] | None = None,
    new: list[str] | None = None,
) -> WeeklyDigest:
    tally = STANDINGS["none"]
    tools = [
        NewTool(name.lower(), name, CATEGORY, "New.", "free", NOON, tally, SPLIT)
        for name in new or []
    ]
    empty = a_digest()
    return WeeklyDigest(
        week=empty.week,
        start=empty.start,
        end=empty.end,
        frozen=True,
        counts=Counts(),
        panel_changes=changes or [],
        flips=flips or [],
        new_tools=tools,
    )


def test_a_week_leads_with_its_news_by_name() -> None:
    week = a_week([change("Ant", "ship", "skip")], [flip("Bee", SHIP)], ["Cat"])
    assert headline.sentence(week) == "Ant drops to Skip; voters turn to Ship on Bee."
    assert headline.subject(week) == "Ant drops to Skip, Bee flips to Ship"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("none", "ship", "Ant starts at Ship"),
        ("split", "ship", "Ant rises to Ship"),
        ("ship", "split", "Ant drops to Split"),
        ("skip", "none", "Ant loses its verdict"),
    ],
)
def test_every_turn_of_a_panel_verdict_has_its_verb(
    before: Verdict, after: Verdict, text: str
) -> None:
    assert headline.subject(a_week([change("Ant", before, after)])) == text


def test_a_first_sentence_about_voters_begins_with_a_capital() -> None:
    assert headline.sentence(a_week(flips=[flip("Bee", SPLIT)])) == "Voters split on Bee."


def test_without_changed_verdicts_new_tools_are_the_news() -> None:
    assert headline.sentence(a_week(new=["Cat", "Dog", "Emu"])) == "Cat is new; Dog is new."


def test_without_new_tools_merges_are_the_news() -> None:
    merge = a_digest().merges[0]
    renamed = msgspec.structs.replace(a_week(), merges=[merge])
    assert headline.subject(renamed) == "Quilt is now Patchwork"
    assert headline.sentence(msgspec.structs.replace(a_week(new=["Cat"]), merges=[merge])) == (
        "Cat is new."
    )


def test_a_week_without_news_has_no_headline() -> None:
    assert headline.sentence(a_week()) == headline.subject(a_week()) == ""


def test_a_headline_names_two_tools_of_each_kind() -> None:
    week = a_week(
        [change(name, "ship", "skip") for name in ("A", "B", "C")],
        [flip(name, SKIP) for name in ("D", "E", "F")],
    )
    assert headline.subject(week) == (
        "A drops to Skip, B drops to Skip, D flips to Skip, E flips to Skip"
    )
