"""Clients that write down outcomes in the ledger: one for HTTP, one for the log itself."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import httpx
import msgspec
from confluent_kafka import KafkaError, Message

from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.settings import Settings
from schemas.events import Event, VoteCast
from schemas.time.instants import parse, rfc3339
from tests.faults.harness.checks.ledger import Ledger, Outcome

_CONTENT_TYPE = "application/cloudevents-batch+json"


class LogClient:
    """Appends to the log as the API would; for faults that lie behind the log."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._producer = create_producer(settings, {"message.max.bytes": 4_000_000})
        self._codec = Codec()
        self._ledger = ledger

    def send(self, events: Iterable[Event]) -> None:
        """Append events, and return when each is acknowledged or has failed."""
        events = list(events)
        self._ledger.sending(events)
        for event in events:
            self._producer.produce(
                event.data.topic.name,
                key=event.key.encode(),
                value=self._codec.encode(event),
                on_delivery=self._noting(event.id),
            )
            self._producer.poll(0)
        self._producer.flush(30)

    def send_raw(self, topic: str, value: bytes | None, key: bytes = b"poison") -> None:
        """Append bytes that are in no ledger."""
        self._producer.produce(topic, key=key, value=value)
        assert self._producer.flush(30) == 0

    def _noting(self, id_: str) -> Callable[[KafkaError | None, Message], None]:
        def delivered(error: KafkaError | None, _: Message) -> None:
            self._ledger.note(id_, Outcome.UNKNOWN if error else Outcome.ACKNOWLEDGED)

        return delivered


class HttpClient:
    """Sends to `POST /v1/events`.

    Args:
        url: Address of the API.
        token: A bearer token that may send everything.
        ledger: Holds events as they stand on the log.
        pseudonym: Gives the name on the log of a voter whom this client names.
    """

    def __init__(
        self,
        url: str,
        token: str,
        ledger: Ledger,
        pseudonym: Callable[[str], str],
    ) -> None:
        self._http = httpx.Client(
            base_url=url,
            timeout=30.0,
            trust_env=False,
            headers={"authorization": f"Bearer {token}", "content-type": _CONTENT_TYPE},
        )
        self._ledger = ledger
        self._pseudonym = pseudonym

    def send(self, events: Iterable[Event], **headers: str) -> httpx.Response | None:
        """Send events in one request; None when no answer came."""
        events = list(events)
        self._ledger.sending(map(self.on_log, events))
        try:
            response = self._http.post(
                "/v1/events",
                content=msgspec.json.encode([envelope(event) for event in events]),
                headers=headers,
            )
        except httpx.ConnectError:
            self._note_all(events, Outcome.REJECTED)  # no server listened, so none took it
            return None
        except httpx.TransportError:
            self._note_all(events, Outcome.UNKNOWN)
            return None
        self._note_answer(events, response)
        return response

    def send_until_acknowledged(self, events: Iterable[Event], tries: int = 200) -> int:
        """Send until every event is acknowledged, as a front end does; return the tries."""
        left = list(events)
        for number in range(1, tries + 1):
            self.send(left)
            acknowledged = Outcome.ACKNOWLEDGED
            left = [event for event in left if self._ledger.outcome(event.id) is not acknowledged]
            if not left:
                return number
        raise AssertionError(f"{len(left)} events were not acknowledged in {tries} tries")

    def send_unstamped(self, data: VoteCast) -> None:
        """Send a vote without id and time; the ledger gets those of the server."""
        answer = self._http.post(
            "/v1/events",
            content=msgspec.json.encode({"type": data.type, "data": data}),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == 202, answer.text
        (result,) = answer.json()["results"]
        event = Event(result["id"], parse(result["time"]), data)
        self._ledger.sending([self.on_log(event)])
        self._ledger.note(event.id, Outcome.ACKNOWLEDGED)

    def on_log(self, event: Event) -> Event:
        """The event as it is on the log, where voters have other names."""
        voter = getattr(event.data, "voter", None)
        if voter is None:
            return event
        data = msgspec.structs.replace(event.data, voter=self._pseudonym(voter))
        return msgspec.structs.replace(event, data=data)

    def close(self) -> None:
        self._http.close()

    def _note_answer(self, events: list[Event], response: httpx.Response) -> None:
        body = response.json()
        if "results" not in body:
            # Refused as a whole, before any event was looked at.
            self._note_all(events, Outcome.REJECTED)
            return
        outcomes = {"accepted": Outcome.ACKNOWLEDGED, "rejected": Outcome.REJECTED}
        for event, result in zip(events, body["results"], strict=True):
            self._ledger.note(event.id, outcomes.get(result["status"], Outcome.UNKNOWN))

    def _note_all(self, events: Iterable[Event], outcome: Outcome) -> None:
        for event in events:
            self._ledger.note(event.id, outcome)


def envelope(event: Event) -> dict[str, Any]:
    """The event as a CloudEvent."""
    return {
        "specversion": "1.0",
        "id": event.id,
        "type": event.type,
        "time": rfc3339(event.time),
        "data": event.data,
    }


class Load(threading.Thread):
    """Sends batch after batch in the background until a test stops it.

    Args:
        batches: Never ends.
        send: Sends one batch.
        pause: Seconds between two batches.
    """

    def __init__(
        self, batches: Iterator[list[Event]], send: Callable[[list[Event]], object], pause: float
    ) -> None:
        super().__init__(name="load", daemon=True)
        self._batches, self._send, self._pause = batches, send, pause
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self.sent = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()
        if self._failure:
            raise self._failure

    def run(self) -> None:
        try:
            while not self._stopping.wait(self._pause):
                batch = next(self._batches)
                self._send(batch)
                self.sent += len(batch)
        except BaseException as failure:  # raised where the load is ended
            self._failure = failure
