"""The pool: in which order mails go, and how its connections stop."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from publishers.mailer.delivery.connection_pool import DeliveryJob, MailConnectionPool
from publishers.mailer.delivery.journal import JournalTakenError, MailJournal
from publishers.mailer.delivery.outcome import Outcome, Parcel


class GatedTransport:
    """Sends each mail once the gate is open; `taken` cannot be intended any more."""

    def __init__(self, gate: asyncio.Event) -> None:
        self.gate = gate
        self.offered: list[str] = []

    async def send(self, parcel: Parcel, intend: Callable[[], None]) -> Outcome:
        self.offered.append(parcel.mail)
        if parcel.mail == "taken":
            raise JournalTakenError("another mailer has taken over")
        await self.gate.wait()
        intend()
        return Outcome("sent", "250 ok")

    async def close(self) -> None:
        """Nothing stays open."""


class Delivery:
    """Jobs, and what became of them."""

    def __init__(self, folder: Path) -> None:
        self.journal = MailJournal(folder / "journal")
        self.journal.begin(1)
        self.outcomes: dict[str, str] = {}

    def job(self, mail: str) -> DeliveryJob:
        def settle(outcome: Outcome) -> None:
            self.outcomes[mail] = outcome.state

        parcel = Parcel(mail, 1, "from@example.com", "to@example.com", b"")
        return DeliveryJob(mail, 1, self.journal, lambda: parcel, settle)


async def yield_often() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_urgent_mails_overtake_and_a_stop_settles_what_waits(tmp_path: Path) -> None:
    async def run() -> None:
        transport, delivery = GatedTransport(asyncio.Event()), Delivery(tmp_path)
        pool = MailConnectionPool([transport])
        running = asyncio.create_task(pool.run())
        await pool.put(delivery.job("first"))
        await yield_often()
        await pool.put(delivery.job("second"))
        await pool.put(delivery.job("urgent"), urgent=True)
        waiting = asyncio.create_task(pool.put(delivery.job("no room")))
        await yield_often()
        assert not waiting.done()
        pool.stop()
        transport.gate.set()
        await running
        await waiting
        pool.give_up()
        assert transport.offered == ["first"]
        assert delivery.outcomes.pop("first") == "sent"
        assert delivery.outcomes == dict.fromkeys(["second", "urgent", "no room"], "untried")

    asyncio.run(run())


def test_urgent_mails_are_sent_before_those_that_came_earlier(tmp_path: Path) -> None:
    async def run() -> None:
        transport, delivery = GatedTransport(asyncio.Event()), Delivery(tmp_path)
        transport.gate.set()
        pool = MailConnectionPool([transport])
        await pool.put(delivery.job("usual"))
        await pool.put(delivery.job("urgent"), urgent=True)
        running = asyncio.create_task(pool.run())
        await yield_often()
        pool.stop()
        await running
        assert transport.offered == ["urgent", "usual"]

    asyncio.run(run())


def test_when_one_connection_fails_the_others_finish_their_mail(tmp_path: Path) -> None:
    async def run() -> None:
        gate, delivery = asyncio.Event(), Delivery(tmp_path)
        pool = MailConnectionPool([GatedTransport(gate), GatedTransport(gate)])
        running = asyncio.create_task(pool.run())
        await pool.put(delivery.job("under way"))
        await pool.put(delivery.job("taken"))
        await yield_often()
        assert pool.is_stopping
        gate.set()
        with pytest.raises(JournalTakenError):
            await running
        assert delivery.outcomes == {"under way": "sent"}

    asyncio.run(run())
