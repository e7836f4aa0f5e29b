"""Votes and bookmarks without JavaScript."""

import re
from html import unescape
from typing import Any

import msgspec
import pytest

from tests.streams.api.conftest import FakeApi

HERE = {"Origin": "http://127.0.0.1:8080"}


@pytest.fixture
def quick(api: FakeApi) -> FakeApi:
    api.apply_all(("verdicts.votes.v1", 0), ("verdicts.bookmarks.v1", 0))
    return api


def post(api: Any, path: str, headers: dict[str, str] = HERE, **fields: Any) -> Any:
    return api.client.post(path, data=fields, headers=headers, follow_redirects=False)


def kinds(api: Any) -> list[str]:
    return [event.type for event in api.events()]


def hidden(answer: Any) -> dict[str, str]:
    fields = re.findall(r'name="(\w+)" value="([^"]*)"', answer.text)
    return {name: unescape(value) for name, value in fields}


def test_a_form_redirects_back_to_its_page(quick: FakeApi) -> None:
    page = {**HERE, "Referer": "http://127.0.0.1:8080/compare/alpha-vs-beta/?x=1"}
    answer = post(quick, "/vote", page, tool="alpha", choice="ship")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/compare/alpha-vs-beta/?x=1"
    assert "set-cookie" in answer.headers


@pytest.mark.parametrize("referer", ["", "https://elsewhere.example/x", "nonsense", "http://["])
def test_without_a_page_of_ours_it_redirects_to_the_tools_page(
    quick: FakeApi, referer: str
) -> None:
    answer = post(quick, "/vote", {**HERE, "Referer": referer}, tool="alpha", choice="ship")
    assert answer.headers["location"] == "/tools/alpha/"


def test_the_forms_cover_every_button(quick: FakeApi) -> None:
    for choice in ("ship", "skip", "none"):
        post(quick, "/vote", tool="alpha", choice=choice)
    for saved in ("1", "0"):
        post(quick, "/bookmark", tool="alpha", saved=saved)
    assert kinds(quick) == [
        "vote.cast",
        "vote.cast",
        "vote.retracted",
        "bookmark.added",
        "bookmark.removed",
    ]


def test_a_form_of_another_site_changes_nothing(quick: FakeApi) -> None:
    answer = post(quick, "/vote", {"Origin": "https://evil.example"}, tool="alpha", choice="ship")
    assert answer.status_code == 403
    assert quick.sent == []


def test_a_form_of_unknown_origin_asks_for_confirmation(quick: FakeApi) -> None:
    asked = post(quick, "/vote", {}, tool="alpha", choice="ship")
    assert asked.status_code == 200
    assert "Vote ship for Alpha?" in asked.text
    assert "frame-ancestors 'none'" in asked.headers["content-security-policy"]
    assert quick.sent == []
    confirmed = post(quick, "/vote", {}, **hidden(asked))
    assert confirmed.status_code == 303
    assert kinds(quick) == ["vote.cast"]


def test_a_confirmation_is_valid_for_one_action_and_half_an_hour(quick: FakeApi) -> None:
    fields = hidden(post(quick, "/vote", {}, tool="alpha", choice="ship"))
    other = post(quick, "/vote", {}, **fields | {"choice": "skip"})
    assert other.status_code == 200
    quick.fakes.clock.move(32 * 60)
    assert post(quick, "/vote", {}, **fields).status_code == 200
    assert post(quick, "/vote", {}, **fields | {"token": "1.x"}).status_code == 200
    assert quick.sent == []


def test_a_confirmation_of_another_voter_is_invalid(quick: FakeApi) -> None:
    fields = hidden(post(quick, "/vote", {}, tool="alpha", choice="ship"))
    post(quick, "/vote", tool="beta", choice="ship")
    assert post(quick, "/vote", {}, **fields).status_code == 200
    assert len(quick.sent) == 1


def test_the_redirect_survives_the_confirmation_but_never_leads_to_another_host(
    quick: FakeApi,
) -> None:
    page = {"Referer": "http://127.0.0.1:8080/tools/beta/"}
    fields = hidden(post(quick, "/vote", page, tool="alpha", choice="ship"))
    assert post(quick, "/vote", {}, **fields).headers["location"] == "/tools/beta/"
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "/a\nb"):
        answer = post(quick, "/vote", tool="alpha", choice="ship", back=back)
        assert answer.headers["location"] == "/tools/alpha/"


def test_what_a_voter_gave_a_retired_tool_can_be_taken_back(quick: FakeApi) -> None:
    post(quick, "/vote", tool="alpha", choice="ship")
    assert post(quick, "/vote", tool="gone", choice="none").status_code == 303
    assert post(quick, "/bookmark", tool="gone", saved="0").status_code == 303
    assert kinds(quick) == ["vote.cast", "vote.retracted", "bookmark.removed"]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/vote", {"tool": "nobody", "choice": "ship"}, 404),
        ("/vote", {"tool": "gone", "choice": "ship"}, 410),
        ("/bookmark", {"tool": "gone", "saved": "1"}, 410),
        ("/vote", {"tool": "alpha", "choice": "maybe"}, 422),
        ("/vote", {"tool": "alpha"}, 422),
        ("/vote", {"tool": "alpha", "choice": ["ship", "skip"]}, 400),
        ("/bookmark", {"tool": "alpha", "saved": "yes"}, 422),
    ],
)
def test_a_wrong_form_is_answered_with_a_page(
    quick: FakeApi, path: str, fields: dict[str, Any], status: int
) -> None:
    answer = post(quick, path, HERE, **fields)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert quick.sent == []


def test_fields_that_mean_nothing_may_repeat_and_those_that_do_may_not(quick: FakeApi) -> None:
    assert post(quick, "/vote", tool="alpha", choice="ship", x=["1", "2"]).status_code == 303
    assert post(quick, "/vote", tool="alpha", choice=["ship", "skip"]).status_code == 400
    assert kinds(quick) == ["vote.cast"]


def test_names_are_escaped(quick: FakeApi) -> None:
    tools = quick.fakes.read_model.tools
    tools["alpha"] = msgspec.structs.replace(tools["alpha"], name="<b>A</b>")
    answer = post(quick, "/vote", {}, tool="alpha", choice="ship")
    assert "&lt;b&gt;A&lt;/b&gt;" in answer.text
    assert "<b>" not in answer.text


def test_json_is_no_form(quick: FakeApi) -> None:
    answer = quick.client.post("/vote", json={"tool": "alpha"}, headers=HERE)
    assert answer.status_code == 415


def test_removing_a_missing_vote_creates_no_voter(quick: FakeApi) -> None:
    answer = post(quick, "/vote", tool="alpha", choice="none")
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    assert quick.sent == []
