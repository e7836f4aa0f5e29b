"""The names by which processes know each other: notification channels and services."""

from enum import StrEnum


class Channel(StrEnum):
    """A channel of PostgreSQL's NOTIFY; its notifications announce what a table holds."""

    APPLIED = "applied"
    """Worker to API: `topic/partition/offset`, the first offset that is not applied yet."""
    CHANGED = "changed"
    """Writers of outbox and dirty rows to relay and publisher; no payload."""
    MAIL = "mail"
    """API and `verdicts mail` to mailer: there is mail to send, or an issue changed; no payload."""


class ServiceName(StrEnum):
    """The name of a service in `verdicts`, its heartbeats, `run.json` and its log lines."""

    API = "api"
    WORKER = "worker"
    PUBLISHER = "publisher"
    MAILER = "mailer"
    LOADER = "loader"
    """`verdicts up` while it loads the demo content."""
