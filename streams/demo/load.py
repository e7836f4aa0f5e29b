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
_LONGEST_PAUSE = 5.0
_BUSY = {429, 503}
_ACCEPTED = {200, 202}


class NotLoaded(VerdictsError):  # noqa: N818 - says what happened, as the rest of the house does
    """The demo content did not get in; the message says why in one sentence."""


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
    tells the whole story a second time, so whoever might have to go on later should remember it.

    Args:
        url: where the API is, such as `http://127.0.0.1:8080`.
        token: a bearer token with the role `admin`.
        end: the moment at which the story ends, in microseconds since 1970 UTC.
        progress: called with (sent, total) after each batch.
        week_sent: called with an ISO week such as `2026-W47` when all its events are acknowledged,
            before the first event of the next week is sent.

    Raises:
        NotLoaded: an event was rejected, or the API stayed away or busy for too long.
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
    done, total = 0, sum(len(week) for _, week in story)
    with ThreadPoolExecutor(_IN_FLIGHT, "demo") as pool:
        for label, week in story:
            for sent in pool.map(lambda batch: _send(client, batch, sleep), _batches(week)):
                done += sent
                progress(done, total)
            week_sent(label)


def _batches(week: Iterable[DemoEvent]) -> Iterator[list[DemoEvent]]:
    rest = iter(week)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _send(client: httpx.Client, batch: list[DemoEvent], sleep: Callable[[float], None]) -> int:
    """Send one batch until it is acknowledged; a repeated event is harmless."""
    last = "it never answered"
    for _ in range(_ATTEMPTS):
        try:
            answer = client.post("/v1/events", json=batch)
        except httpx.TransportError as error:
            last = f"{type(error).__name__}: {error}"
            sleep(1)
            continue
        if answer.status_code not in _BUSY:
            return _accepted(answer, batch)
        last = f"status {answer.status_code}"
        sleep(_pause(answer))
    raise NotLoaded(f"The API did not take the demo events after {_ATTEMPTS} attempts ({last}).")


def _pause(answer: httpx.Response) -> float:
    asked = answer.headers.get("Retry-After", "1")
    return min(float(asked), _LONGEST_PAUSE) if asked.isdecimal() else 1.0


def _accepted(answer: httpx.Response, batch: list[DemoEvent]) -> int:
    if answer.status_code in _ACCEPTED:
        return len(batch)
    raise NotLoaded(_reason(answer, batch))


def _reason(answer: httpx.Response, batch: list[DemoEvent]) -> str:
    """Name the first rejected event, or what the API said of the whole batch."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    for event, result in zip(batch, said.get("results", ()), strict=False):
        if result.get("status") != "accepted":
            where = f"{event['type']} at {result.get('pointer', '/')}"
            return f"A demo event was rejected ({where}): {result.get('detail', 'no reason given')}"
    detail = said.get("detail") or said.get("title") or "no reason given"
    return f"The API refused the demo events with status {answer.status_code}: {detail}"
