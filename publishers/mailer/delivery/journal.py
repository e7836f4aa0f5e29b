"""What was about to be sent and what the server answered: an append-only file per issue.

The ledger in the database is settled in groups; the journal says of each mail alone how far it
got. The intent is written before the final dot of DATA, and the answer after it, so after a kill
at most the mail of each connection has an intent without an answer: it is ambiguous.

When is a record safe? A killed process loses nothing that it wrote: the kernel has it. Only a
machine that stops loses records that no disk has. So intents wait for no disk; the file is synced
before the ledger learns of answers. A new term after a restart of the machine shows by its boot
id, and then all claimed mails count as ambiguous, since their intents may be lost.

The journal is also the fence between two mailers on one folder. A new leader appends its term, then
reads what stands before it. A former leader that continues sees that its next intent does not
follow its own last record, and stops before the final dot.
"""

import os
from pathlib import Path
from typing import NamedTuple

FIELD_BYTES = 300
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class JournalTakenError(OSError):
    """Another mailer has begun a term in this journal; this one must stop."""


class MailProgress(NamedTuple):
    """How far a mail got at its last attempt.

    Attributes:
        attempt: Number of the attempt, from 1.
        state: `intended`, or the state that the answer led to.
        reply: The server's answer.
    """

    attempt: int
    state: str
    reply: str


class JournalHistory(NamedTuple):
    """What stands before a term.

    Attributes:
        mails: Progress by mail.
        terms: Boot id by term: those that this machine wrote here.
    """

    mails: dict[str, MailProgress]
    terms: dict[int, str]

    def is_complete(self, term: int | None = None) -> bool:
        """Whether no intent of a term can be missing; of the last one by default.

        An intent may be lost with the machine, and another machine's journal is not this one.
        """
        last = max(self.terms, default=0) if term is None else term
        return self.terms.get(last) == boot_id()


class MailJournal:
    """The journal of one issue.

    Args:
        path: The file; it and its folder may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._end = 0

    def begin(self, term: int) -> JournalHistory:
        """Begin a term, and return what stands before it."""
        size = os.fstat(self._file).st_size
        # A record that a full disk cut off ends without a line feed.
        cut = size and os.pread(self._file, 1, size - 1) != b"\n"
        self._write(f"{chr(10) if cut else ''}term {term} {boot_id()}\n".encode())
        self._end = os.fstat(self._file).st_size
        return _parse(self._read(), term)

    def intend(self, mail: str, attempt: int) -> None:
        """Record that the final dot of a mail comes next.

        Raises:
            JournalTakenError: Another mailer has begun a term; the dot must not be sent.
            OSError: The record could not be written; the dot must not be sent.
        """
        self._append(f"intent {mail} {attempt}\n".encode())

    def answer(self, mail: str, attempt: int, state: str, reply: str) -> None:
        """Record how an attempt ended."""
        self._append(f"{state} {mail} {attempt} {one_line(reply)}\n".encode())

    def sync(self) -> None:
        """Return when the disk has every record."""
        os.fdatasync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _append(self, record: bytes) -> None:
        self._write(record)
        self._end += len(record)
        if os.fstat(self._file).st_size != self._end:
            raise JournalTakenError("another mailer has taken over")

    def _write(self, record: bytes) -> None:
        if os.write(self._file, record) != len(record):
            raise OSError("the journal's disk is full")

    def _read(self) -> bytes:
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            return file.read()


def read_journal(path: Path) -> JournalHistory:
    """Read a journal without beginning a term; a missing one is empty."""
    try:
        return _parse(path.read_bytes(), None)
    except FileNotFoundError:
        return JournalHistory({}, {})


def boot_id() -> str:
    """Names this run of the machine; the same for all of its processes."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:  # not Linux: each process counts as a boot, so more mails are ambiguous
        return f"process-{os.getpid()}"


def one_line(reply: str) -> str:
    """A server's answer in one line of at most 300 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in reply).split())[:FIELD_BYTES]


def _parse(content: bytes, term: int | None) -> JournalHistory:
    mails: dict[str, MailProgress] = {}
    terms: dict[int, str] = {}
    for line in content.decode("utf-8", "replace").split("\n")[:-1]:
        match line.split(" ", 3):
            case ["term", number, boot] if number.isdigit():
                if int(number) == term:
                    break
                terms[int(number)] = boot
            case ["intent", mail, attempt] if attempt.isdigit():
                mails[mail] = MailProgress(int(attempt), "intended", "")
            case [state, mail, attempt, reply] if attempt.isdigit():
                mails[mail] = MailProgress(int(attempt), state, reply)
            case _:  # cut off by a full disk: its dot was not sent
                continue
    return JournalHistory(mails, terms)
