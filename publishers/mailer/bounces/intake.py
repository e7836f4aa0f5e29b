"""Takes returned messages in: a row for each, and what it means for the subscriber."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Engine, text

from infra.settings import Settings
from infra.telemetry import recording
from projections.private.subscribers.subscriptions import unsubscribe
from publishers.mailer.bounces.bounce_tokens import BounceTokens, apply_bounce
from publishers.mailer.bounces.classification import classify

_RECORD = text(
    """
    insert into verdicts.mail_bounces (digest, kind, subscriber, week, detail)
    values (:digest, :kind, :subscriber, :week, :detail)
    on conflict (digest) do nothing returning kind
    """
)
_MARK = text(
    """
    update verdicts.mail_ledger set bounce = :bounce
    where week = :week and subscriber = :subscriber
        and bounce not in ('hard', 'complaint')
    """
)
log = structlog.get_logger(__name__)


class TakenMessage(NamedTuple):
    """What a message was, and why."""

    kind: str
    detail: str


def take_message(connection: Connection, settings: Settings, content: bytes) -> TakenMessage:
    """Judge a message and act on it; a message that was taken before changes nothing.

    Only a message to a return path of ours, with its signature, can suppress an address. So a
    forged bounce is recorded as such, and harms nobody.
    """
    classified = classify(content)
    tokens = BounceTokens(settings.voter_key, settings.mail)
    mail = next(filter(None, map(tokens.read, classified.addresses)), None)
    kind: str = "reply" if classified.kind == "unsubscribe" and mail is None else classified.kind
    detail = classified.detail
    if mail is None and kind in ("hard", "soft", "complaint"):
        kind, detail = "forged", f"names no mail of ours: {detail}"
    week, subscriber = mail or (None, None)
    row = {
        "digest": hashlib.sha256(content).digest(),
        "kind": "reply" if kind == "unsubscribe" else kind,
        "subscriber": subscriber,
        "week": week,
        "detail": detail[:300],
    }
    is_new = connection.execute(_RECORD, row).first() is not None
    if is_new and mail is not None:
        _act(connection, kind, mail, detail)
    return TakenMessage(kind, detail)


def take_maildir(engine: Engine, settings: Settings) -> int:
    """Take all new messages of `VERDICTS_BOUNCES` in; return how many.

    A file is deleted only after the row that it became has been committed. What is not understood
    moves to `cur`, where a person can read it.
    """
    folder = settings.mail.bounces
    if folder is None or not (folder / "new").is_dir():
        return 0
    files = sorted(file for file in (folder / "new").iterdir() if file.is_file())
    for file in files:
        content = file.read_bytes()
        with engine.begin() as connection:
            taken = take_message(connection, settings, content)
        if taken.kind in ("unknown", "forged", "reply"):
            (folder / "cur").mkdir(exist_ok=True)
            file.rename(folder / "cur" / f"{file.name}:2,S")
        else:
            file.unlink()
        recording.mail_returned(taken.kind)
        log.info("returned mail", kind=taken.kind)
    return len(files)


def _act(connection: Connection, kind: str, mail: tuple[str, str], detail: str) -> None:
    week, subscriber = mail
    if kind == "unsubscribe":
        unsubscribe(connection, subscriber, "mail", datetime.now(UTC))
    elif kind in ("hard", "soft", "complaint"):
        connection.execute(_MARK, {"bounce": kind, "week": week, "subscriber": subscriber})
        apply_bounce(connection, subscriber, kind, detail)
