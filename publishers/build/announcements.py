"""Telling who waits for it at which version all pages about a tool stand."""

from collections.abc import Mapping

from sqlalchemy import Connection

from infra.postgres.engine import notify

CHANNEL = "published"


def announce(connection: Connection, versions: Mapping[str, int]) -> None:
    """Tell the versions of tools, each as `slug version`, when this transaction commits."""
    notify(connection, CHANNEL, (f"{tool} {version}" for tool, version in versions.items()))
