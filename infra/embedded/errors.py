"""Errors of embedded servers and of the data folder."""

import errno

from infra.errors import VerdictsError


class EmbeddedError(VerdictsError):
    """A server cannot run here; the message is one sentence that says what to do."""


class PortTakenError(EmbeddedError):
    """Another program bound the port between its choice and the start of the server."""


class UnknownPasswordError(EmbeddedError):
    """A server does not know the password that its data folder keeps."""


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed because the disk or the user's quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def os_error_text(error: OSError) -> str:
    """Return what is wrong and with which file, as a sentence without its full stop."""
    at = f" at {error.filename}" if error.filename else ""
    if is_disk_full(error):
        return f"The disk is full{at}; make room"
    return f"{error.strerror or error}{at}"
