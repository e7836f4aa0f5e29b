"""Telling who waits for it at which version all pages about a tool stand."""

from collections.abc import Mapping

from sqlalchemy import Connection

CHANNEL = "published"

_NOTIFY = "select pg_notify(%(channel)s, message) from unnest(%(messages)s::text[]) as message"


def tell(connection: Connection, versions: Mapping[str, int]) -> None:
    """Tell the versions of tools, each as `slug version`, when this transaction commits."""
    messages = [f"{tool} {version}" for tool, version in versions.items()]
    connection.exec_driver_sql(_NOTIFY, {"channel": CHANNEL, "messages": messages})
