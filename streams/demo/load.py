"""Sends the demo content through the ingest API, as any editor or gateway would."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import httpx

from infra.errors import VerdictsError
from streams.demo import weeks
from streams.demo.event import DemoEvent

BATCH = 500

_IN_FLIGHT = 4
_ATTEMPTS = 60
_MAX_PAUSE_SECONDS = 5.0
_BUSY = {429, 503}
_ACCEPTED = {200, 202}


class NotLoaded(VerdictsError):  # noqa: N818 - an outcome, named for what it is
    """The demo content was not loaded; the message says why in one sentence."""


def load(
    url: str,
    token: str,
    end: int,
    progress: Callable[[int, int], None],
    *,
    week_sent: Callable[[str], None] = lambda _: None,
) -> None:
    """Send all demo events, week by week, oldest week first.

    Sending the same `end` again adds nothing: the events and their ids are the same. Another `end`
    adds the whole story a second time, so a caller that may resume must store the `end`.

    Args:
        url: Address of the API, such as `http://127.0.0.1:8080`.
        token: A bearer token with the role `admin`.
        end: The end of the story, in microseconds since 1970 UTC.
        progress: Called with (sent, total) after each batch.
        week_sent: Called with an ISO week such as `2026-W47` when all its events are acknowledged,
            before the first event of the next week is sent.

    Raises:
        NotLoaded: The API rejected an event, or was away or busy for too long.
    """
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        send(client, list(weeks(end)), progress, week_sent)


def send(
    client: httpx.Client,
    story: list[tuple[str, list[DemoEvent]]],
    progress: Callable[[int, int], None],
    week_sent: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send a story's weeks one after the other, the batches of a week a few at a time."""
    acknowledged, total = 0, sum(len(week) for _, week in story)
    with ThreadPoolExecutor(_IN_FLIGHT, "demo") as pool:
        for label, week in story:
            for sent in pool.map(lambda batch: _send(client, batch, sleep), _batches(week)):
                acknowledged += sent
                progress(acknowledged, total)
            week_sent(label)


def _batches(week: Iterable[DemoEvent]) -> Iterator[list[DemoEvent]]:
    events = iter(week)
    while batch := list(islice(events, BATCH)):
        yield batch


def _send(client: httpx.Client, batch: list[DemoEvent], sleep: Callable[[float], None]) -> int:
    """Send one batch until it is acknowledged; a repeated event is harmless."""
    failure = "it never answered"
    for _ in range(_ATTEMPTS):
        try:
            answer = client.post("/v1/events", json=batch)
        except httpx.TransportError as error:
            failure = f"{type(error).__name__}: {error}"
            sleep(1)
            continue
        if answer.status_code not in _BUSY:
            return _require_accepted(answer, batch)
        failure = f"status {answer.status_code}"
        sleep(_pause_seconds(answer))
    raise NotLoaded(f"The API did not take the demo events after {_ATTEMPTS} attempts ({failure}).")


def _pause_seconds(answer: httpx.Response) -> float:
    seconds = answer.headers.get("Retry-After", "1")
    return min(float(seconds), _MAX_PAUSE_SECONDS) if seconds.isdecimal() else 1.0


def _require_accepted(answer: httpx.Response, batch: list[DemoEvent]) -> int:
    if answer.status_code in _ACCEPTED:
        return len(batch)
    raise NotLoaded(_explain(answer, batch))


def _explain(answer: httpx.Response, batch: list[DemoEvent]) -> str:
    """Explain the first rejected event, or the API's answer to the whole batch."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    for event, result in zip(batch, problem.get("results", ()), strict=False):
        if result.get("status") != "accepted":
            where = f"{event['type']} at {result.get('pointer', '/')}"
            return f"A demo event was rejected ({where}): {result.get('detail', 'no reason given')}"
    detail = problem.get("detail") or problem.get("title") or "no reason given"
    return f"The API refused the demo events with status {answer.status_code}: {detail}"
