"""Limits per second, in all and per domain."""

from typing import NamedTuple

from publishers.mailer.delivery.rate_limit import MailPace


class Mail(NamedTuple):
    address: str


def sent_within(pace: MailPace, seconds: float, mails: list[Mail]) -> list[Mail]:
    """The mails that go within some seconds, by a clock that only the pace moves."""
    now, went, waiting = 0.0, [], list(mails)
    while waiting:
        mail, delay = pace.next_of(waiting, now)
        if mail is None:
            now += max(delay, 0.0001)
            if now > seconds:
                break
            continue
        waiting.remove(mail)
        pace.take(mail.address, now)
        went.append(mail)
    return went


def test_no_more_go_in_a_second_than_are_allowed() -> None:
    mails = [Mail(f"a@{number}.example") for number in range(500)]
    assert 190 <= len(sent_within(MailPace(200, 1000), 1.0, mails)) <= 211


def test_a_domain_that_waits_lets_others_pass() -> None:
    mails = [Mail("a@big.example")] * 50 + [Mail(f"a@{number}.example") for number in range(20)]
    went = sent_within(MailPace(1000, 5), 1.0, mails)
    assert sum(mail.address == "a@big.example" for mail in went) <= 6
    assert sum(mail.address != "a@big.example" for mail in went) == 20


def test_a_restart_brings_no_burst() -> None:
    mails = [Mail("a@a.example")] * 10
    assert sent_within(MailPace(100, 100), 0.009, mails) == []
