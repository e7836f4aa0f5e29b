"""Errors of embedded servers."""

from infra.errors import VerdictsError


class EmbeddedError(VerdictsError):
    """A server cannot run here; the message is one sentence that says what to do."""


class PortTakenError(EmbeddedError):
    """Another program bound the port between its choice and the start of the server."""
