"""Announces which version of each tool its pages show, to the voters who wait for it."""

from collections.abc import Mapping

from sqlalchemy import Engine

from infra.postgres.engine import notify
from schemas.channels import Channel


class Announcements:
    """Notifications on `published`; each version of a tool is announced once."""

    def __init__(self, database: Engine) -> None:
        self._engine = database
        self._announced: dict[str, int] = {}

    def send(self, versions: Mapping[str, int]) -> None:
        """Announce the versions that pages show now, where these are newer than the last ones."""
        newer = {
            tool: version
            for tool, version in versions.items()
            if version > self._announced.get(tool, -1)
        }
        if newer:
            with self._engine.begin() as connection:
                payloads = (f"{tool} {version}" for tool, version in newer.items())
                notify(connection, Channel.PUBLISHED, payloads)
            self._announced |= newer
