"""Compares the ledger with what the mail server took: each mail at most once, and all ended."""

from tests.faults.harness.checks.oracle import Figures
from tests.faults.harness.mail.sink import Sink
from tests.publishers.mailer.conftest import Mailing

ENDED = {"sent", "refused", "ambiguous"}
_ROWS = "select lower(week) || '.' || subscriber, state from verdicts.mail_ledger"


def is_over(mailing: Mailing) -> bool:
    """Whether every mail has ended."""
    return mailing.states().keys() <= ENDED


def judge(fault: str, mailing: Mailing, sink: Sink, seconds: float, note: str = "") -> Figures:
    """The figures of all issues, which no mailer changes now.

    Sent are the rows of the ledger, acknowledged those that say `sent`, rejected `refused`, unknown
    `ambiguous`; applied is what the server took. Lost: a row that says `sent` though the server has
    no such mail, or that has not ended. Made up: a mail whose row says that none was taken.
    """
    rows: list[tuple[str, str]] = mailing.execute(_ROWS)
    taken = set(sink.taken)
    ended = {state: {mail for mail, each in rows if each == state} for state in ENDED}
    unended = sum(state not in ENDED for _, state in rows)
    return Figures(
        fault=fault,
        sent=len(rows),
        acknowledged=len(ended["sent"]),
        rejected=len(ended["refused"]),
        unknown=len(ended["ambiguous"]),
        applied=len(taken),
        lost=len(ended["sent"] - taken) + unended,
        doubled=sink.taken.total() - len(taken),
        ghosts=len(taken - ended["sent"] - ended["ambiguous"]),
        seconds=seconds,
        note=note,
    )
