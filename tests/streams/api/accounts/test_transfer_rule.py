"""The rule of joining browsers, against the reference model of the law of the log."""

from collections.abc import Iterable, Sequence
from itertools import count, permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.private.accounts.transfers import Transfer
from projections.read.voter_registers import VoterRegister
from schemas.events import BookmarkAdded, BookmarkRemoved, Data, Event, VoteCast, VoteRetracted
from streams.api.accounts.transfers.transfer_rule import Stamp, hand_over, take_back
from tests.projections.histories import LISTED, WHEN
from tests.projections.reference import Reference, law

BROWSERS = ("one", "two", "three")
ACCOUNT = "account"
TOOLS = st.sampled_from(["ant", "bee"])
LATE = 10_000_000


def changes_of(voters: Sequence[str]) -> st.SearchStrategy[Event]:
    """A change by one of these voters, at times and ids that collide."""
    voter = st.sampled_from(voters)
    data: st.SearchStrategy[Data] = st.one_of(
        st.builds(VoteCast, TOOLS, voter, st.sampled_from(["ship", "skip"])),
        st.builds(VoteRetracted, TOOLS, voter),
        st.builds(BookmarkAdded, TOOLS, voter),
        st.builds(BookmarkRemoved, TOOLS, voter),
    )
    return st.builds(Event, WHEN["id"], WHEN["time"], data)


def winners(history: Iterable[Event], voter: str) -> dict[tuple[str, str], Event]:
    """The newest event of each of a voter's registers."""
    newest: dict[tuple[str, str], Event] = {}
    for event in sorted(history, key=law):
        if getattr(event.data, "voter", None) == voter:
            newest[event.type.partition(".")[0], event.data.tool] = event  # type: ignore[attr-defined]
    return newest


def registers_of(history: Iterable[Event], voter: str) -> list[VoterRegister]:
    """What a voter has chosen and saved."""
    return [
        VoterRegister(tool, getattr(event.data, "choice", None), event.time, event.id)
        for (_, tool), event in sorted(winners(history, voter).items())
        if isinstance(event.data, VoteCast | BookmarkAdded)
    ]


def clock() -> Stamp:
    """Stamps after all others."""
    numbers = count(LATE)

    def stamp(after: int) -> tuple[str, int]:
        time = max(next(numbers), after + 1)
        return f"late-{time}", time

    return stamp


def sign_in(history: Sequence[Event], browser: str, stamp: Stamp) -> list[Event]:
    """A history after a browser has signed in."""
    registers = registers_of(history, browser)
    transfer = Transfer(browser, ACCOUNT)
    return [*history, *hand_over(transfer, registers), *take_back(transfer, registers, stamp)]


def state_of(history: Iterable[Event], voter: str) -> tuple[dict[str, str], list[str]]:
    reference = Reference([*LISTED, *history])
    return reference.choices_of(voter), reference.bookmarks_of(voter)


def as_one_voter(history: Sequence[Event]) -> list[Event]:
    """What stands in each browser, as if the account had chosen it there, and its own changes."""
    joined = [event for event in history if getattr(event.data, "voter", "") == ACCOUNT]
    for browser in BROWSERS:
        registers = registers_of(history, browser)
        joined += hand_over(Transfer(browser, ACCOUNT), registers)
    return joined


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.lists(changes_of((*BROWSERS, ACCOUNT)), min_size=4, max_size=24))
def test_of_two_choices_the_newer_stays_in_whichever_order_browsers_sign_in(
    history: list[Event],
) -> None:
    wanted = state_of(as_one_voter(history), ACCOUNT)
    for order in permutations(BROWSERS):
        joined, stamp = list(history), clock()
        for browser in order:
            joined = sign_in(joined, browser, stamp)
        assert state_of(joined, ACCOUNT) == wanted
        for browser in BROWSERS:
            assert state_of(joined, browser) == ({}, [])


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    st.lists(changes_of((*BROWSERS, ACCOUNT)), max_size=12),
    st.lists(st.one_of(changes_of((*BROWSERS, ACCOUNT)), st.sampled_from(BROWSERS)), max_size=16),
)
def test_nobody_counts_twice_whatever_is_chosen_between_sign_ins(
    history: list[Event], steps: list[Event | str]
) -> None:
    joined, stamp = list(history), clock()
    for step in steps:
        joined = sign_in(joined, step, stamp) if isinstance(step, str) else [*joined, step]
    for browser in BROWSERS:
        joined = sign_in(joined, browser, stamp)
    reference = Reference([*LISTED, *joined])
    for tool in ("ant", "bee"):
        assert reference.community(tool)["votes"] == (tool in reference.choices_of(ACCOUNT))
        saved = sum(
            is_saved for (_, name), (_, is_saved) in reference.bookmarks.items() if name == tool
        )
        assert saved == (tool in reference.bookmarks_of(ACCOUNT))


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.lists(changes_of((*BROWSERS, ACCOUNT)), max_size=16))
def test_a_sign_in_that_is_repeated_or_taken_up_halfway_changes_nothing_more(
    history: list[Event],
) -> None:
    stamp = clock()
    registers = registers_of(history, "one")
    died_halfway = [*history, *hand_over(Transfer("one", ACCOUNT), registers)]
    once, again = sign_in(history, "one", stamp), sign_in(died_halfway, "one", stamp)
    for joined in (again, sign_in(once, "one", stamp), sign_in(again, "one", stamp)):
        assert state_of(joined, ACCOUNT) == state_of(once, ACCOUNT)
        assert state_of(joined, "one") == ({}, [])


def test_without_an_heir_everything_is_only_taken_back() -> None:
    registers = [VoterRegister("ant", "ship", 1, "a"), VoterRegister("bee", None, 2, "b")]
    assert hand_over(Transfer(ACCOUNT), registers) == []
    assert [event.type for event in take_back(Transfer(ACCOUNT), registers, clock())] == [
        "vote.retracted",
        "bookmark.removed",
    ]


def test_a_vote_that_was_taken_back_in_one_browser_takes_none_back_in_another() -> None:
    history = [
        Event("1", 1, VoteCast("ant", "one", "ship")),
        Event("2", 2, VoteCast("ant", "two", "skip")),
        Event("3", 3, VoteRetracted("ant", "two")),
    ]
    stamp = clock()
    joined = sign_in(sign_in(history, "one", stamp), "two", stamp)
    assert state_of(joined, ACCOUNT) == ({"ant": "ship"}, [])
