import json
from threading import Lock

import httpx
import pytest

from schemas import instants
from streams.demo import events, weeks
from streams.demo.load import NotLoaded, load

END = instants.parse("2026-11-20T10:00:00Z")


class FakeApi(httpx.BaseTransport):
    """Keeps the events it is sent; the first answers can be given."""

    def __init__(self, *first_answers: httpx.Response | Exception) -> None:
        self.events: dict[str, dict] = {}
        self.sizes: list[int] = []
        self.tokens: set[str] = set()
        self._answers = list(first_answers)
        self._lock = Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        batch = json.loads(request.read())
        with self._lock:
            if self._answers:
                answer = self._answers.pop(0)
                if isinstance(answer, Exception):
                    raise answer
                return answer
            self.tokens.add(request.headers["Authorization"])
            self.sizes.append(len(batch))
            self.events |= {event["id"]: event for event in batch}
        results = [{"id": event["id"], "status": "accepted"} for event in batch]
        return httpx.Response(202, json={"results": results})


def sent_to(api: FakeApi, **options) -> list[tuple[int, int]]:
    reports: list[tuple[int, int]] = []
    load(
        "http://api.test",
        "secret",
        END,
        lambda done, total: reports.append((done, total)),
        transport=api,
        **options,
    )
    return reports


def test_every_event_arrives_in_batches_within_the_limit():
    api = FakeApi()
    reports = sent_to(api)
    assert api.events == {event["id"]: event for event in events(END)}
    assert max(api.sizes) == 500
    assert api.tokens == {"Bearer secret"}
    assert reports[-1] == (len(api.events), len(api.events))
    assert reports == sorted(reports)


def test_a_week_is_complete_before_the_next_one_begins():
    api = FakeApi()
    known: list[tuple[str, int]] = []
    sent_to(api, week_sent=lambda week: known.append((week, len(api.events))))
    total = 0
    for (label, week), (sent_label, count) in zip(weeks(END), known, strict=True):
        total += len(week)
        assert (sent_label, count) == (label, total)


def test_a_busy_or_absent_api_is_tried_again():
    later = {"Retry-After": "0"}
    api = FakeApi(
        httpx.Response(503, headers=later),
        httpx.Response(429, headers=later),
        httpx.Response(503, headers=later),
    )
    sent_to(api)
    assert len(api.events) == len(events(END))


def test_a_rejected_event_is_named_in_one_sentence():
    rejected = {
        "status": "rejected",
        "code": "invalid-value",
        "detail": "Too high.",
        "pointer": "/data/score",
    }
    answer = {"results": [{"status": "accepted"}, rejected]}
    with pytest.raises(NotLoaded, match=r"A demo event .*at /data/score\): Too high\."):
        sent_to(FakeApi(httpx.Response(207, json=answer)))


def test_a_refused_token_is_said_clearly():
    problem = httpx.Response(401, json={"title": "Unauthorized", "detail": "Unknown token."})
    with pytest.raises(NotLoaded, match=r"status 401: Unknown token\."):
        sent_to(FakeApi(problem))
