"""The one way in which an embedded server fails."""

from infra.errors import VerdictsError


class EmbeddedError(VerdictsError):
    """A server cannot run here; the message is one sentence that says what to do."""


class PortTakenError(EmbeddedError):
    """Somebody else bound the port between our choice and the server's start."""
