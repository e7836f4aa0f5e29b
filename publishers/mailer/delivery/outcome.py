"""How an attempt to send a mail ended. Pure."""

import re
from typing import Literal, NamedTuple

OutcomeState = Literal["sent", "refused", "deferred", "ambiguous", "untried"]

_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# About the mailbox or its domain, as RFC 3463 lists them: the address is of no use.
_HARD = {(1, 0), (1, 1), (1, 2), (1, 3), (1, 6), (1, 10), (2, 1), (5, 1)}


class Outcome(NamedTuple):
    """The end of one attempt.

    Attributes:
        state: `sent`: the server took the mail; `refused`: it never will; `deferred`: it may
            later; `ambiguous`: the connection broke after the final dot; `untried`: the mail was
            not offered, so the attempt does not count.
        reply: The server's answer in one line.
        hard: Whether a refusal says that the address is of no use.
        about_us: Whether the answer concerns the sender, so every mail would get it.
    """

    state: OutcomeState
    reply: str
    hard: bool = False
    about_us: bool = False


class Parcel(NamedTuple):
    """A mail ready for the wire.

    Attributes:
        mail: Its name in the journal, without spaces.
        attempt: Number of this attempt, from 1.
        return_path: Envelope sender.
        recipient: Envelope recipient.
        content: Headers and body with CRLF line ends.
    """

    mail: str
    attempt: int
    return_path: str
    recipient: str
    content: bytes


def of_reply(code: int, text: str, step: Literal["mail", "rcpt", "data"]) -> Outcome:
    """Judge a reply other than success.

    Args:
        code: Reply code of SMTP.
        text: Text of the reply.
        step: The command that got the reply.
    """
    reply = f"{code} {text}"
    if code == 421 or (step == "mail" and code < 500):
        return Outcome("untried", reply, about_us=True)
    if code < 500:
        return Outcome("deferred", reply)
    if step == "mail" or code in (530, 535):
        return Outcome("untried", reply, about_us=True)
    return Outcome("refused", reply, hard=step == "rcpt" and is_hard(code, text))


def is_hard(code: int, text: str) -> bool:
    """Whether a permanent refusal says that the address is of no use.

    An enhanced status code decides where there is one (a full mailbox or a policy is soft);
    without one, 550, 551 and 553 are about the mailbox.
    """
    match = _ENHANCED.search(text)
    if match:
        return match[1] == "5" and (int(match[2]), int(match[3])) in _HARD
    return code in (550, 551, 553)


def retry_pause(attempt: int) -> float:
    """Seconds until the next attempt: 1 minute, then 4, 16, 64 and at most 4 hours."""
    return float(min(60 * 4 ** (attempt - 1), 14_400))
