"""What a returned message says. Parsed by the standard library and flufl.bounce. Pure."""

import email
import email.policy
from collections.abc import Iterable
from email.message import EmailMessage, Message
from email.utils import getaddresses
from typing import Literal, NamedTuple

from flufl.bounce import all_failures, scan_message

MessageKind = Literal["hard", "soft", "complaint", "unsubscribe", "reply", "unknown"]

_HARD_STATUS = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.5.1"}
_ADDRESS_HEADERS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path", "From")


class ReturnedMessage(NamedTuple):
    """A message that came back, classified.

    Attributes:
        kind: `hard`: the address is of no use; `soft`: it may be of use later; `complaint`: its
            owner calls our mail spam; `unsubscribe`: a mail to the List-Unsubscribe address;
            `reply`: a vacation notice or a person; `unknown`.
        addresses: Every address that the message names in its headers and those it returns; the
            signed return path is among them.
        recipients: Addresses that failed, as the report names them.
        detail: The reason, in one line.
    """

    kind: MessageKind
    addresses: tuple[str, ...]
    recipients: tuple[str, ...] = ()
    detail: str = ""


def classify(content: bytes) -> ReturnedMessage:
    """Classify one message."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    addresses = tuple(_addresses(message))
    subtype = message.get_content_subtype()
    report = str(message.get_param("report-type") or "").lower()
    if subtype == "report" and report == "feedback-report":
        return ReturnedMessage("complaint", addresses, detail=_feedback(message))
    if subtype == "report" and report == "delivery-status":
        classified = _delivery_status(message)
        if classified:
            kind, recipients, detail = classified
            return ReturnedMessage(kind, addresses, recipients, detail)
    if _is_reply(message):
        return ReturnedMessage("reply", addresses, detail=_subject(message))
    if _subject(message).strip().lower() == "unsubscribe":
        return ReturnedMessage("unsubscribe", addresses, detail="asked by mail")
    return _old_format(content, addresses) or ReturnedMessage(
        "unknown", addresses, detail=_subject(message)
    )


def _old_format(content: bytes, addresses: tuple[str, ...]) -> ReturnedMessage | None:
    """Bounces without a report, whose formats flufl.bounce knows."""
    compat = email.message_from_bytes(content)
    try:
        temporary, permanent = all_failures(compat)
    except Exception:  # some of its detectors fail on a message without a sender, or on garbage
        return None
    named = tuple(_text(each) for each in (permanent or temporary or scan_message(compat)))
    if not named:
        return None
    # Such a text gives no status; that the address is of no use is certain only with one.
    kind: MessageKind = "hard" if permanent and _says_unknown(compat) else "soft"
    return ReturnedMessage(kind, addresses, named, "returned without a report")


def _delivery_status(message: EmailMessage) -> tuple[MessageKind, tuple[str, ...], str] | None:
    """Kind, recipients and reason of an RFC 3464 report."""
    verdicts: list[tuple[MessageKind, str, str]] = []
    for block in _status_blocks(message):
        action = str(block.get("Action", "")).strip().lower()
        status = str(block.get("Status", "")).split(" ")[0].strip()
        recipient = str(block.get("Final-Recipient") or block.get("Original-Recipient") or "")
        if not action and not status:
            continue
        name = recipient.partition(";")[2].strip() or recipient.strip()
        reason = " ".join(str(block.get("Diagnostic-Code", "")).split())
        verdicts.append((_kind(action, status), name, f"{status} {reason}".strip()))
    order: list[MessageKind] = ["hard", "soft", "reply"]
    verdicts.sort(key=lambda each: order.index(each[0]))
    if not verdicts:
        return None
    kind, _, detail = verdicts[0]
    return kind, tuple(name for each, name, _ in verdicts if each == kind and name), detail[:300]


def _kind(action: str, status: str) -> MessageKind:
    if action in ("delivered", "relayed", "expanded"):
        return "reply"  # says that the mail arrived
    if action == "delayed" or status.startswith("4"):
        return "soft"
    return "hard" if status in _HARD_STATUS else "soft"


def _status_blocks(message: Message) -> Iterable[Message]:
    for part in message.walk():
        if part.get_content_type() in ("message/delivery-status", "message/global-delivery-status"):
            payload = part.get_payload()
            if isinstance(payload, list):
                yield from (block for block in payload if isinstance(block, Message))
            elif isinstance(payload, str):
                for block in payload.replace("\r\n", "\n").split("\n\n"):
                    yield email.message_from_string(block, policy=email.policy.default)


def _feedback(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            payload = part.get_payload()
            block = payload[0] if isinstance(payload, list) and payload else part
            text = block.as_string() if isinstance(block, Message) else str(payload)
            fields = email.message_from_string(text.lstrip(), policy=email.policy.default)
            return f"complaint: {fields.get('Feedback-Type') or 'abuse'}"
    return "complaint"


def _is_reply(message: EmailMessage) -> bool:
    """Whether a program or a person answers, rather than a mail server that could not deliver."""
    automatic = str(message.get("Auto-Submitted", "no")).strip().lower()
    if automatic.startswith("auto-replied") and message.get_content_subtype() != "report":
        return not str(message.get("X-Failed-Recipients", ""))
    marks = ("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Response", "X-Vacation")
    if any(message.get(mark) for mark in marks):
        return True
    return str(message.get("Precedence", "")).strip().lower() in ("auto_reply", "auto-reply")


def _says_unknown(message: Message) -> bool:
    text = ""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            text += payload.decode("utf-8", "replace").lower() if isinstance(payload, bytes) else ""
    signs = (
        "5.1.1",
        "550",
        "user unknown",
        "unknown user",
        "no such user",
        "does not exist",
        "no mailbox",
        "unknown recipient",
        "not found",
        "invalid recipient",
        "unrouteable",
        "no such",
        "doesn't have",
    )
    return any(sign in text for sign in signs)


def _addresses(message: Message) -> Iterable[str]:
    """Every address in the headers of the message and of those inside it."""
    for part in message.walk():
        for header in _ADDRESS_HEADERS:
            values = [str(value) for value in part.get_all(header, [])]
            yield from (address.lower() for _, address in getaddresses(values) if address)
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                inside = email.message_from_bytes(payload, policy=email.policy.default)
                yield from _addresses(inside)


def _subject(message: Message) -> str:
    return " ".join(str(message.get("Subject", "")).split())[:200]


def _text(address: object) -> str:
    return address.decode("ascii", "replace") if isinstance(address, bytes) else str(address)
