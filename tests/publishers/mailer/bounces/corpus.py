"""Returned messages of our own making, in the formats that mail servers and programs use.

Each case has the kind that it must be classified as. `RETURN_PATH` stands for the signed address.
"""

from collections.abc import Iterator
from typing import NamedTuple

RETURN_PATH = "bounce+token@verdicts.example"
RECIPIENT = "ada@example.com"


class Case(NamedTuple):
    """A message and how it must be classified."""

    name: str
    kind: str
    content: bytes


def report(
    status: str,
    diagnostic: str,
    *,
    action: str = "failed",
    daemon: str = "MAILER-DAEMON@mx.example.com",
    whole: bool = True,
    recipient: str = f"rfc822; {RECIPIENT}",
    line: str = "\n",
) -> bytes:
    """An RFC 3464 report."""
    returned = "message/rfc822" if whole else "text/rfc822-headers"
    text = f"""\
Return-Path: <>
Delivered-To: {RETURN_PATH}
From: Mail Delivery System <{daemon}>
To: {RETURN_PATH}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I could not deliver your message.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Mon, 23 Nov 2026 08:00:03 +0000

Final-Recipient: {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b1
Content-Type: {returned}

From: Verdicts <digest@verdicts.example>
To: {RECIPIENT}
Subject: Week 47
Message-ID: <2026-w47.abcdefghijklmnop@verdicts.example>

--b1--
"""
    return text.replace("\n", line).encode()


def complaint(kind: str, *, whole: bool = True) -> bytes:
    """An RFC 5965 complaint."""
    returned = "message/rfc822" if whole else "text/rfc822-headers"
    return f"""\
From: abuse@feedback.example.com
To: {RETURN_PATH}
Subject: FW: Week 47
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain

This is an email abuse report.

--b2
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{RETURN_PATH}>

--b2
Content-Type: {returned}

Return-Path: <{RETURN_PATH}>
From: Verdicts <digest@verdicts.example>
To: {RECIPIENT}
Subject: Week 47

--b2--
""".encode()


def plain(subject: str, body: str, *headers: str) -> bytes:
    """A message of one text."""
    head = "".join(f"{header}\n" for header in headers)
    return (
        f"From: {RECIPIENT}\nTo: {RETURN_PATH}\nSubject: {subject}\n{head}"
        f"Content-Type: text/plain; charset=utf-8\n\n{body}\n"
    ).encode()


HARD = {
    "5.1.1": "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown",
    "5.1.0": "550 5.1.0 Address rejected.",
    "5.1.2": "Host or domain name not found. Name service error: Host not found",
    "5.1.3": "501 5.1.3 Invalid address",
    "5.1.6": "551 5.1.6 Mailbox has moved, no forwarding address",
    "5.1.10": "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by lookup",
    "5.2.1": "550 5.2.1 The email account that you tried to reach is disabled.",
    "5.5.1": "550 5.5.1 Recipient unknown",
}
SOFT = {
    "5.2.2": "552 5.2.2 The email account that you tried to reach is over quota.",
    "5.2.3": "552 5.2.3 Message too large",
    "5.3.0": "554 5.3.0 Service unavailable",
    "5.3.4": "552 5.3.4 Message size exceeds fixed limit",
    "5.4.4": "Host or domain name not found. Name service error",
    "5.4.6": "554 5.4.6 Too many hops",
    "5.4.7": "554 5.4.7 Delivery expired (message too old)",
    "5.6.0": "550 5.6.0 Lone CR or LF in headers",
    "5.7.1": "550 5.7.1 Message rejected as spam by content filtering.",
    "5.7.26": "550 5.7.26 This mail is unauthenticated, which poses a security risk",
    "5.7.606": "550 5.7.606 Access denied, banned sending IP",
    "4.2.2": "452 4.2.2 Mailbox full",
    "4.4.1": "connect to mx.example.com: Connection timed out",
    "4.4.7": "Delivery time expired",
    "4.7.0": "421 4.7.0 Try again later",
    "4.7.28": "421 4.7.28 Our system has detected an unusual rate of mail",
}
VACATIONS = {
    "auto-replied": ("Auto-Submitted: auto-replied",),
    "auto-replied (vacation)": ("Auto-Submitted: auto-replied (vacation)",),
    "auto-replied with owner": ("Auto-Submitted: auto-replied; owner-email=ada@example.com",),
    "x-autoreply": ("X-Autoreply: yes",),
    "x-autorespond": ("X-Autorespond: Week 47",),
    "precedence": ("Precedence: auto_reply",),
    "x-vacation": ("X-Vacation: on",),
    "x-auto-response": ("X-Auto-Response: out",),
}
NOTICES = {
    "English": ("Out of office", "I am away until 5 January. My assistant is bob@example.com."),
    "German": ("Abwesenheitsnotiz", "Ich bin bis zum 5. Januar nicht im Büro."),
    "French": ("Absence du bureau", "Je suis absente jusqu'au 5 janvier."),
}


def cases() -> Iterator[Case]:
    """All messages."""
    for status, diagnostic in HARD.items():
        yield Case(f"hard {status}", "hard", report(status, diagnostic))
        yield Case(f"hard {status}, headers", "hard", report(status, diagnostic, whole=False))
    for status, diagnostic in SOFT.items():
        yield Case(f"soft {status}", "soft", report(status, diagnostic))
    yield Case("hard with CRLF", "hard", report("5.1.1", HARD["5.1.1"], line="\r\n"))
    yield Case("status with a comment", "hard", report("5.1.1 (bad destination)", HARD["5.1.1"]))
    bare = report("5.1.1", HARD["5.1.1"], recipient=RECIPIENT)
    yield Case("recipient without a type", "hard", bare)
    upper = report("5.1.1", HARD["5.1.1"], action="FAILED", recipient="RFC822;Ada@Example.com")
    yield Case("upper case", "hard", upper)
    yield Case("delayed", "soft", report("4.4.1", SOFT["4.4.1"], action="delayed"))
    yield Case("delivered", "reply", report("2.0.0", "250 ok", action="delivered"))
    yield Case("relayed", "reply", report("2.0.0", "250 ok", action="relayed"))
    for kind in ("abuse", "fraud", "virus", "other", "not-spam"):
        yield Case(f"complaint {kind}", "complaint", complaint(kind))
    yield Case("complaint with headers", "complaint", complaint("abuse", whole=False))
    for name, headers in VACATIONS.items():
        for language, (subject, body) in NOTICES.items():
            yield Case(f"{name}, {language}", "reply", plain(subject, body, *headers))
    yield Case("unsubscribe", "unsubscribe", plain("unsubscribe", ""))
    yield Case("unsubscribe, capital", "unsubscribe", plain(" Unsubscribe ", "please"))
    yield Case("a person", "unknown", plain("Re: Week 47", "Thanks, I like it!"))
    yield Case("empty", "unknown", b"")
    yield Case("no mail at all", "unknown", b"\x00\xff\xfe garbage" * 100)
    yield Case("a report without a status", "unknown", plain("returned", "no status"))
