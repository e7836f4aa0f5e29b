"""What was about to be sent and what the server answered: an append-only file per issue.

The ledger in the database is settled in groups; the journal says of each mail alone how far it
got. The intent is written before the final dot of DATA, and the answer after it, so after a kill
at most the mail of each connection has an intent without an answer: it is ambiguous.

When is a record safe? A killed process loses nothing that it wrote: the kernel has it. Only a
machine that stops loses records that no disk has. So intents wait for no disk; the file is synced
before the ledger learns of answers. A new term after a restart of the machine shows by its boot
id, and then all claimed mails count as ambiguous, since their intents may be lost.

The journal is also the fence between two mailers on one folder. A new leader appends its term, then
reads what stands before it. A former leader that continues finds that term between its own last
record and its next intent, and stops before the final dot. Such an intent counts for nothing: it
names an older term than the record before it. An answer that comes late counts.
"""

import os
from collections.abc import Iterable
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
        self._term = 0

    def begin(self, term: int) -> JournalHistory:
        """Begin a term, and return what stands before it."""
        size = os.fstat(self._file).st_size
        # A record that a full disk cut off ends without a line feed.
        cut = size and os.pread(self._file, 1, size - 1) != b"\n"
        record = f"{chr(10) if cut else ''}term {term} {boot_id()}\n".encode()
        self._write(record)
        # A restored database may give a term twice, so its place, not its number, ends the past.
        self._term, self._end = term, os.lseek(self._file, 0, os.SEEK_CUR)
        return self._read(self._end - len(record))

    def intend(self, mail: str, attempt: int) -> None:
        """Record that the final dot of a mail comes next.

        Raises:
            JournalTakenError: Another mailer has begun a term; the dot must not be sent.
            OSError: The record could not be written; the dot must not be sent.
        """
        self._append(f"intent {mail} {attempt} {self._term}\n".encode())

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
        size = os.fstat(self._file).st_size
        if size != self._end + len(record) and self._is_taken(size):
            raise JournalTakenError("another mailer has taken over")
        self._end = size

    def _is_taken(self, size: int) -> bool:
        """Whether a term has begun since the last record; late answers of a former one may come."""
        return b"\nterm " in b"\n" + os.pread(self._file, size - self._end, self._end)

    def _write(self, record: bytes) -> None:
        if os.write(self._file, record) != len(record):
            raise OSError("the journal's disk is full")

    def _read(self, end: int) -> JournalHistory:
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            return _parse(_lines_before(file, end))


def read_journal(path: Path) -> JournalHistory:
    """Read a journal without beginning a term; a missing one is empty."""
    try:
        with path.open("rb") as file:
            return _parse(file)
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


def _lines_before(lines: Iterable[bytes], end: int) -> Iterable[bytes]:
    at = 0
    for line in lines:
        if at >= end:
            return
        at += len(line)
        yield line


def _parse(lines: Iterable[bytes]) -> JournalHistory:
    mails: dict[str, MailProgress] = {}
    terms: dict[int, str] = {}
    latest = 0
    for line in lines:
        if not line.endswith(b"\n"):  # cut off by a full disk: its dot was not sent
            continue
        match line[:-1].decode("utf-8", "replace").split(" ", 3):
            case ["term", number, boot] if number.isdigit():
                latest = int(number)
                terms[latest] = boot
            case ["intent", mail, attempt, term] if attempt.isdigit() and term.isdigit():
                if int(term) == latest:
                    mails[mail] = MailProgress(int(attempt), "intended", "")
            case ["intent", mail, attempt] if attempt.isdigit():  # its term was cut off
                mails[mail] = MailProgress(int(attempt), "intended", "")
            case ["untried", mail, *_]:  # offered, and not taken: as if it had not been offered
                mails.pop(mail, None)
            case [state, mail, attempt, reply] if attempt.isdigit():
                mails[mail] = MailProgress(int(attempt), state, reply)
            case _:  # cut off, and followed by the next term
                continue
    return JournalHistory(mails, terms)
