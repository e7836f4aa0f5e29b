"""The journal: what stands in it after a kill, and the fence between two mailers."""

from pathlib import Path

import pytest

from publishers.mailer.delivery.journal import (
    JournalTakenError,
    MailJournal,
    MailProgress,
    boot_id,
    read_journal,
)


def test_a_new_term_reads_how_far_each_mail_got(tmp_path: Path) -> None:
    path = tmp_path / "mail" / "2026-W47.journal"
    journal = MailJournal(path)
    assert journal.begin(1).mails == {}
    journal.intend("2026-W47/a", 1)
    journal.answer("2026-W47/a", 1, "sent", "250 ok\r\nqueued\x00as 7")
    journal.intend("2026-W47/b", 2)
    journal.close()
    history = MailJournal(path).begin(2)
    assert history.mails == {
        "2026-W47/a": MailProgress(1, "sent", "250 ok queued as 7"),
        "2026-W47/b": MailProgress(2, "intended", ""),
    }
    assert history.terms == {1: boot_id()}
    assert history.is_complete()
    assert not history.is_complete(7)


def test_a_former_leader_cannot_intend_after_a_new_term(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    former, new = MailJournal(path), MailJournal(path)
    former.begin(1)
    former.intend("single/1", 1)
    assert new.begin(2).mails == {"single/1": MailProgress(1, "intended", "")}
    with pytest.raises(JournalTakenError):
        former.intend("single/2", 1)


def test_an_intent_after_a_new_term_counts_for_nothing(tmp_path: Path) -> None:
    """Its dot was not sent, so the mail is the new leader's to send."""
    path = tmp_path / "journal"
    former, new = MailJournal(path), MailJournal(path)
    former.begin(1)
    new.begin(2)
    new.intend("single/1", 1)
    new.answer("single/1", 1, "sent", "250 ok")
    for mail in ("single/1", "single/2"):
        with pytest.raises(JournalTakenError):
            former.intend(mail, 1)
    assert MailJournal(path).begin(3).mails == {"single/1": MailProgress(1, "sent", "250 ok")}


def test_a_late_answer_of_a_former_leader_counts_and_does_not_stop_the_new_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    former, new = MailJournal(path), MailJournal(path)
    former.begin(1)
    former.intend("single/1", 1)
    new.begin(2)
    with pytest.raises(JournalTakenError):
        former.answer("single/1", 1, "sent", "250 ok")
    new.intend("single/2", 1)
    assert MailJournal(path).begin(3).mails == {
        "single/1": MailProgress(1, "sent", "250 ok"),
        "single/2": MailProgress(1, "intended", ""),
    }


def test_a_mail_that_was_offered_and_not_taken_is_as_if_it_had_not_been_offered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal"
    journal = MailJournal(path)
    journal.begin(1)
    journal.intend("single/1", 1)
    journal.answer("single/1", 1, "untried", "421 closing down")
    assert MailJournal(path).begin(2).mails == {}


def test_a_term_that_a_restored_database_gives_again_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for number in (1, 2):
        journal = MailJournal(path)
        journal.begin(number)
        journal.intend(f"single/{number}", 1)
        journal.close()
    assert set(MailJournal(path).begin(2).mails) == {"single/1", "single/2"}


def test_a_record_that_was_cut_off_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = MailJournal(path)
    journal.begin(1)
    journal.intend("single/1", 1)
    with path.open("ab") as file:
        file.write(b"intent single/2 ")
    history = MailJournal(path).begin(2)
    assert set(history.mails) == {"single/1"}
    assert set(read_journal(path).terms) == {1, 2}


def test_a_machine_that_restarted_may_have_lost_intents(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"term 1 another-boot\n")
    assert not MailJournal(path).begin(2).is_complete()


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none").mails == {}
