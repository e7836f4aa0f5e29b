"""Mail into files: a Maildir, the default without a mail server."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from publishers.mailer.delivery.outcome import Outcome, Parcel


class MaildirTransport:
    """Writes each mail into `new/` of a Maildir.

    Args:
        folder: The Maildir; created where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, parcel: Parcel, intend: Callable[[], None]) -> Outcome:
        """Write one mail; `intend` is called before it appears."""
        return self.write(parcel, intend)

    def write(self, parcel: Parcel, intend: Callable[[], None]) -> Outcome:
        """As `send`, without an event loop."""
        name = f"{time.time_ns() // 1000}.{parcel.mail.replace('/', '-')}-{parcel.attempt}.verdicts"
        envelope = f"Return-Path: <{parcel.return_path}>\r\nDelivered-To: {parcel.recipient}\r\n"
        try:
            for each in ("tmp", "new", "cur"):
                (self.folder / each).mkdir(parents=True, exist_ok=True, mode=0o700)
            unfinished = self.folder / "tmp" / name
            content = (envelope.encode() + parcel.content).replace(b"\r\n", b"\n")
            with os.fdopen(
                os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(content)
        except OSError as error:
            return Outcome("untried", f"{self.folder}: {error.strerror}", about_us=True)
        intend()
        unfinished.rename(self.folder / "new" / name)
        return Outcome("sent", f"written to new/{name}")

    async def close(self) -> None:
        """Nothing stays open."""
