"""What a new term makes of ledger and journal."""

import pytest

from projections.private.ledger.claims import LedgerRow, LedgerState, SettledMail
from publishers.mailer.delivery.journal import JournalHistory, MailProgress, boot_id
from publishers.mailer.issues.recovery import recover, rows_of_journal

WEEK = "2026-W47"


def history(*mails: tuple[str, int, str], boot: str = "") -> JournalHistory:
    progress = {f"{WEEK}/{who}": MailProgress(at, state, "x") for who, at, state in mails}
    return JournalHistory(progress, {3: boot or boot_id()})


def row(state: LedgerState, attempts: int = 1, term: int = 3) -> dict[str, LedgerRow]:
    return {"ada": LedgerRow("ada", state, attempts, term)}


@pytest.mark.parametrize(
    ("record", "state"),
    [("sent", "sent"), ("refused", "refused"), ("deferred", "queued"), ("intended", "ambiguous")],
)
def test_the_journal_says_what_became_of_a_mail_under_way(record: str, state: str) -> None:
    (result,) = recover(WEEK, row("sending"), history(("ada", 1, record))).results
    assert result.state == state


def test_a_mail_without_an_intent_is_queued_again_and_its_attempt_does_not_count() -> None:
    (result,) = recover(WEEK, row("sending"), history()).results
    assert result == SettledMail(WEEK, "ada", 1, "queued", untried=1)


@pytest.mark.parametrize("lost", [history(boot="another"), JournalHistory({}, {})])
def test_without_a_journal_that_is_complete_it_is_ambiguous(lost: JournalHistory) -> None:
    (result,) = recover(WEEK, row("sending"), lost).results
    assert result.state == "ambiguous"


def test_an_answer_that_came_late_resolves_an_ambiguous_mail() -> None:
    (result,) = recover(WEEK, row("ambiguous"), history(("ada", 1, "sent"))).results
    assert result.state == "sent"
    assert recover(WEEK, row("ambiguous"), history(("ada", 1, "intended"))).results == []


@pytest.mark.parametrize("rows", [{}, row("queued", attempts=0), row("queued", attempts=1)])
def test_a_journal_that_knows_more_than_the_ledger_is_noticed(rows: dict[str, LedgerRow]) -> None:
    known = history(("ada", 2, "sent"))
    assert recover(WEEK, rows, known).unknown == ["ada"]
    assert [(each.state, each.attempts) for each, _ in rows_of_journal(WEEK, known)] == [
        ("sent", 2)
    ]


def test_what_ended_is_left_alone() -> None:
    assert recover(WEEK, row("sent"), history(("ada", 1, "sent"))) == ([], [])
