"""How often one voter may change something, and which changes write no event."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from projections.read.voters import read_own_states
from streams.api.http.problems import Problem
from streams.api.voting.voter_activity import VoterActivity
from tests.streams.api.conftest import FakeApi, Timer

HERE = {"Origin": "http://127.0.0.1:8080"}
ALPHA, BOOKMARK = "/v1/tools/alpha/vote", "/v1/bookmarks/alpha"


def admitted(activity: VoterActivity, voter: str, times: int) -> int:
    count = 0
    for _ in range(times):
        try:
            activity.admit(voter)
        except Problem:
            continue
        count += 1
    return count


def test_a_voter_may_change_30_at_once_and_then_60_per_minute() -> None:
    timer = Timer()
    activity = VoterActivity(60, timer)
    assert admitted(activity, "one", 100) == 30
    assert admitted(activity, "other", 1) == 1
    with pytest.raises(Problem) as refused:
        activity.admit("one")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    assert refused.value.members["code"] == "too-many-changes"
    timer.seconds = 10
    assert admitted(activity, "one", 100) == 10


def test_a_limit_of_0_is_none() -> None:
    assert admitted(VoterActivity(0, Timer()), "one", 10_000) == 10_000


def test_a_small_limit_says_how_long_to_wait() -> None:
    activity = VoterActivity(2, Timer())
    assert admitted(activity, "one", 5) == 2
    with pytest.raises(Problem) as refused:
        activity.admit("one")
    assert refused.value.headers["Retry-After"] == "30"


def test_the_number_of_remembered_voters_is_bounded() -> None:
    activity = VoterActivity(60, Timer(), max_voters=100)
    admitted(activity, "busy", 29)
    for number in range(1_000):
        activity.admit(f"voter {number}")
        if number % 50 == 0:
            activity.record_change("busy", number)
    assert len(activity) <= 100
    assert admitted(activity, "busy", 100) == 1


@pytest.mark.parametrize("path", [ALPHA, BOOKMARK])
def test_a_voter_who_changes_too_much_is_told_so(
    make_api: Callable[..., FakeApi], path: str
) -> None:
    api = make_api(VERDICTS_VOTER_CHANGES_PER_MINUTE="2")
    api.apply_all(("verdicts.votes.v1", 0), ("verdicts.bookmarks.v1", 0))
    answers = [api.client.put(path, json={"choice": "ship"}, headers=HERE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["detail"] == (
        "You changed votes or bookmarks too often; try again in 30 seconds."
    )
    assert int(answers[2].headers["retry-after"]) == 30
    assert len(api.sent) == 2


def test_the_forms_say_it_too(make_api: Callable[..., FakeApi]) -> None:
    api = make_api(VERDICTS_VOTER_CHANGES_PER_MINUTE="1")
    api.apply_all(("verdicts.votes.v1", 0))
    fields = {"tool": "alpha", "choice": "ship"}
    api.client.post("/vote", data=fields, headers=HERE, follow_redirects=False)
    answer = api.client.post("/vote", data=fields, headers=HERE, follow_redirects=False)
    assert answer.status_code == 429
    assert "try again in 60 seconds" in answer.text
    assert answer.headers["retry-after"] == "60"


@pytest.fixture
def voted(api: FakeApi) -> FakeApi:
    """An API on which the client's vote and bookmark are applied."""
    api.apply_all(("verdicts.votes.v1", 0), ("verdicts.bookmarks.v1", 0))
    api.client.put(ALPHA, json={"choice": "ship"}, headers=HERE)
    api.client.put(BOOKMARK, headers=HERE)
    voter = api.events()[0].data.voter
    api.fakes.read_model.choices[voter] = {"alpha": "ship"}
    api.fakes.read_model.bookmarks[voter] = ["alpha"]
    api.fakes.read_model.newest[voter] = api.events()[-1].time
    return api


def vote(api: FakeApi, choice: str) -> Any:
    return api.client.put(ALPHA, json={"choice": choice}, headers=HERE)


def test_the_same_again_writes_no_event_and_is_answered_with_the_present_state(
    voted: FakeApi,
) -> None:
    for answer in (vote(voted, "ship"), voted.client.put(BOOKMARK, headers=HERE)):
        assert answer.status_code == 200
        assert (answer.json()["choice"], answer.json()["saved"]) == ("ship", True)
        assert answer.json()["version"] == 7
    assert len(voted.sent) == 2


def test_removing_what_is_removed_writes_no_event(voted: FakeApi) -> None:
    (voter,) = voted.fakes.read_model.choices
    voted.fakes.read_model.choices[voter] = {}
    voted.fakes.read_model.bookmarks[voter] = []
    assert voted.client.delete(ALPHA, headers=HERE).json()["choice"] is None
    assert voted.client.delete(BOOKMARK, headers=HERE).json()["saved"] is False
    assert len(voted.sent) == 2


def test_another_choice_writes_an_event(voted: FakeApi) -> None:
    vote(voted, "skip")
    assert [event.type for event in voted.events()[2:]] == ["vote.cast"]


def test_the_same_again_writes_an_event_while_another_change_is_on_its_way(
    voted: FakeApi,
) -> None:
    """The projection still shows the former choice, so it cannot be compared with."""
    vote(voted, "skip")
    vote(voted, "ship")
    assert [event.data.choice for event in voted.events()[2:]] == ["skip", "ship"]


def test_a_request_with_an_older_cookie_sees_the_change_on_its_way(voted: FakeApi) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in voted.client.cookies.items())
    vote(voted, "skip")
    voted.client.cookies.clear()
    voted.client.put(ALPHA, json={"choice": "ship"}, headers=HERE | {"Cookie": cookie})
    assert [event.data.choice for event in voted.events()[2:]] == ["skip", "ship"]


def test_no_state_is_read_before_the_voters_newest_change_is_applied(voted: FakeApi) -> None:
    read_model, progress = voted.fakes.read_model, voted.components.progress
    read, asked = read_model.answers[read_own_states], []

    def note_and_read(pairs: list[tuple[str, str]]) -> Any:
        asked.extend(pairs)
        return read(pairs)

    read_model.answers[read_own_states] = note_and_read
    votes, bookmarks = ("verdicts.votes.v1", 0), ("verdicts.bookmarks.v1", 0)
    progress.applied.set(bookmarks, 0)
    progress.waited_in_vain(votes, progress.applied.get(votes))
    assert vote(voted, "ship").json()["pending"] is True
    assert (len(voted.sent), asked) == (3, [])
    (voter,) = read_model.choices
    read_model.newest[voter] = voted.events()[-1].time
    progress.applied.set(bookmarks, 1)
    vote(voted, "ship")
    assert (len(voted.sent), asked) == (3, [(voter, "alpha")])


def test_without_the_database_the_same_again_writes_an_event(voted: FakeApi) -> None:
    def refuse(*_: str) -> None:
        raise OperationalError("select", {}, Exception("away"))

    voted.fakes.read_model.answers[read_own_states] = refuse
    assert vote(voted, "ship").status_code == 200
    assert len(voted.sent) == 3


@pytest.mark.parametrize(("method", "path"), [("PUT", ALPHA), ("DELETE", ALPHA)])
def test_the_answer_states_the_stored_choice_when_a_later_stamp_has_won(
    voted: FakeApi, method: str, path: str
) -> None:
    """Another device of the voter, whose clock is ahead, has chosen to ship."""
    body = {"choice": "skip"} if method == "PUT" else None
    answer = voted.client.request(method, path, json=body, headers=HERE)
    assert len(voted.sent) == 3
    assert (answer.json()["choice"], answer.json()["saved"]) == ("ship", True)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_answer_states_the_stored_bookmark_when_a_later_stamp_has_won(
    voted: FakeApi, method: str
) -> None:
    (voter,) = voted.fakes.read_model.choices
    voted.fakes.read_model.newest[voter] = 0  # so that even the same again is sent
    answer = voted.client.request(method, BOOKMARK, headers=HERE)
    assert len(voted.sent) == 3
    assert (answer.json()["choice"], answer.json()["saved"]) == ("ship", True)


def test_a_change_whose_result_cannot_be_read_is_answered_as_sent(voted: FakeApi) -> None:
    def refuse(*_: str) -> None:
        raise OperationalError("select", {}, Exception("away"))

    voted.fakes.read_model.answers[read_own_states] = refuse
    answer = vote(voted, "skip").json()
    assert answer["choice"] == "skip"
    assert "saved" not in answer
