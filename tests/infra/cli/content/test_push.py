"""A push that ends in the middle, and one that meets a busy site."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from infra.cli.commands.content.site.folder import STATE, ContentFolder
from infra.cli.commands.content.site.pushing import Push, compare, events_of
from infra.cli.commands.content.site.site_client import SiteClient
from infra.errors import VerdictsError
from schemas.events import CategoryDefined
from streams.content_files.format.writing import write_file
from streams.content_files.model import path_of

NOW = 1_764_000_000_000_000
MINUTE = 60_000_000
Answer = Callable[[httpx.Request], httpx.Response]


class KilledError(BaseException):
    """Stands for the end of the process."""


def client_of(answer: Answer) -> SiteClient:
    http = httpx.Client(base_url="http://site.example", transport=httpx.MockTransport(answer))
    return SiteClient(http, sleep=lambda _: None)


def empty_site(request: httpx.Request) -> httpx.Response:
    assert request.method == "GET"
    return httpx.Response(200, json={"items": []})


def accepting(sent: list[dict], *, kill_after: int | None = None) -> Answer:
    """A site that is empty and accepts events; the process ends after some requests."""
    requests = iter(range(100))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return empty_site(request)
        if kill_after is not None and next(requests) >= kill_after:
            raise KilledError
        events = json.loads(request.content)
        sent.extend(events)
        results = [{"id": event["id"], "status": "accepted"} for event in events]
        return httpx.Response(200, json={"results": results})

    return answer


@pytest.fixture
def folder(tmp_path: Path) -> ContentFolder:
    """A folder with more files than one request takes."""
    content = ContentFolder(tmp_path)
    for number in range(700):
        data = CategoryDefined(f"c-{number}", f"C {number}", "Text.")
        content.write(path_of(data), write_file(data))
    return content


def push(folder: ContentFolder, client: SiteClient, now: int) -> None:
    comparison = compare(folder, client, None, now)
    steps, events = events_of(comparison, now, "", remove=False)
    Push(folder, client).send(comparison.state, steps, events)


def test_a_push_after_a_killed_one_sends_the_same_events(folder: ContentFolder) -> None:
    first: list[dict] = []
    with pytest.raises(KilledError):
        push(folder, client_of(accepting(first, kill_after=1)), NOW)
    assert len(first) == 500
    again: list[dict] = []
    push(folder, client_of(accepting(again)), NOW + MINUTE)  # the site shows nothing of it yet
    assert len(again) == 700
    assert [event for event in again if event["id"] in {one["id"] for one in first}] == first


def test_a_push_that_was_acknowledged_needs_its_times_no_more(folder: ContentFolder) -> None:
    push(folder, client_of(accepting([])), NOW)
    state = json.loads((folder.path / STATE).read_text())
    assert state["stamps"] == {}
    assert len(state["base"]) == 700


def test_a_rejected_event_stays_to_be_sent(folder: ContentFolder) -> None:
    def rejecting(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return empty_site(request)
        results = [
            {"id": event["id"], "status": "rejected", "code": "x", "detail": "No."}
            for event in json.loads(request.content)
        ]
        return httpx.Response(422, json={"results": results})

    push(folder, client_of(rejecting), NOW)
    assert json.loads((folder.path / STATE).read_text())["base"] == {}


def test_a_busy_site_is_asked_again() -> None:
    answers = [httpx.Response(503), httpx.Response(429)]

    def busy(request: httpx.Request) -> httpx.Response:
        return answers.pop() if answers else empty_site(request)

    assert client_of(busy).read().tools == []


def test_what_is_no_site_of_ours_is_a_sentence() -> None:
    def other(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, text="<h1>Not here</h1>")

    with pytest.raises(VerdictsError, match="is that the address of a Verdicts site"):
        client_of(other).read()


def test_every_page_of_a_list_is_read() -> None:
    def paged(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/categories":
            return empty_site(request)
        cursor = request.url.params.get("cursor", "a")
        headers = {"Link": '</v1/categories?limit=200&cursor=b>; rel="next"'}
        record = {"category": cursor, "name": cursor, "description": "D.", "version": 1}
        return httpx.Response(
            200, json={"items": [record]}, headers=headers if cursor == "a" else {}
        )

    assert [category.category for category in client_of(paged).read().categories] == ["a", "b"]
