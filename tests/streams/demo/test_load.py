import json
from collections.abc import Callable
from threading import Lock

import httpx
import pytest

from streams.demo.event import DemoEvent, make_event
from streams.demo.load import NotLoaded, send


def a_week(label: str, votes: int) -> tuple[str, list[DemoEvent]]:
    about: dict[str, str | int | list[str]] = {"tool": "kith", "choice": "ship"}
    return label, [
        make_event("vote.cast", moment, about | {"voter": f"{label}-{moment}"})
        for moment in range(votes)
    ]


STORY = [a_week("2026-W45", 1_201), a_week("2026-W46", 3), a_week("2026-W47", 500)]
ALL = {event["id"]: event for _, week in STORY for event in week}


class FakeApi(httpx.BaseTransport):
    """Keeps the events it is sent, after some first answers that a test gives."""

    def __init__(self, *first_answers: httpx.Response | Exception) -> None:
        self.events: dict[str, DemoEvent] = {}
        self.sizes: list[int] = []
        self._answers = list(first_answers)
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        batch = json.loads(request.read())
        with self._lock:
            if self._answers:
                return self._first_answer()
            self.sizes.append(len(batch))
            self.events |= {event["id"]: event for event in batch}
        results = [{"id": event["id"], "status": "accepted"} for event in batch]
        return httpx.Response(202, json={"results": results})

    def _first_answer(self) -> httpx.Response:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def send_to(
    api: FakeApi,
    week_sent: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = lambda _: None,
) -> list[tuple[int, int]]:
    reports: list[tuple[int, int]] = []
    with httpx.Client(base_url="http://api.test", transport=api) as client:
        send(client, STORY, lambda *counts: reports.append(counts), week_sent, sleep)
    return reports


def test_every_event_arrives_in_batches_within_the_limit() -> None:
    api = FakeApi()
    reports = send_to(api)
    assert api.events == ALL
    assert sorted(api.sizes) == [3, 201, 500, 500, 500]
    assert reports[-1] == (len(ALL), len(ALL))
    assert reports == sorted(reports)


def test_a_week_is_complete_before_the_next_one_begins() -> None:
    api = FakeApi()
    known: list[tuple[str, int]] = []
    send_to(api, week_sent=lambda week: known.append((week, len(api.events))))
    assert known == [("2026-W45", 1_201), ("2026-W46", 1_204), ("2026-W47", 1_704)]


def test_a_busy_or_absent_api_is_tried_again_after_the_pause_it_asks_for() -> None:
    pauses: list[float] = []
    busy = httpx.Response(503, headers={"Retry-After": "3"})
    api = FakeApi(busy, httpx.Response(429), httpx.ConnectError("refused"))
    send_to(api, sleep=pauses.append)
    assert api.events == ALL
    assert sorted(pauses) == [1, 1, 3]


def test_an_api_that_stays_away_is_given_up_in_one_sentence() -> None:
    api = FakeApi(*[httpx.ConnectError("refused")] * 1_000)
    with pytest.raises(NotLoaded, match=r"after 60 attempts \(ConnectError: refused\)"):
        send_to(api)


def test_a_rejected_event_is_named_in_one_sentence() -> None:
    rejected = {
        "status": "rejected",
        "code": "invalid-value",
        "detail": "Too high.",
        "pointer": "/data/score",
    }
    answer = {"results": [{"status": "accepted"}, rejected]}
    with pytest.raises(NotLoaded, match=r"rejected \(vote\.cast at /data/score\): Too high\."):
        send_to(FakeApi(httpx.Response(207, json=answer)))


def test_a_refused_token_is_said_clearly() -> None:
    problem = httpx.Response(401, json={"title": "Unauthorized", "detail": "Unknown token."})
    with pytest.raises(NotLoaded, match=r"status 401: Unknown token\."):
        send_to(FakeApi(problem))
