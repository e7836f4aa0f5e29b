"""Telling who waits for it at which version all pages about a tool stand."""

from collections.abc import Mapping

from sqlalchemy import Connection

from infra.postgres.engine import notify
from schemas.channels import Channel


def announce(connection: Connection, versions: Mapping[str, int]) -> None:
    """Tell the versions of tools, each as `slug version`, when this transaction commits."""
    notify(
        connection, Channel.PUBLISHED, (f"{tool} {version}" for tool, version in versions.items())
    )
