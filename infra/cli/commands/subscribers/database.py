"""The database of these commands, and the ids of addresses in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection

from infra.cli.options import attached_settings
from infra.postgres.engine import create_engine
from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.links import SubscriptionLinks


class Database(NamedTuple):
    """A transaction, and the links whose keys give addresses their ids."""

    connection: Connection
    links: SubscriptionLinks

    def id_of(self, address: CheckedAddress) -> str:
        """The id of an address."""
        return self.links.id_of(address)


@contextmanager
def open_database() -> Iterator[Database]:
    """A transaction that commits at the end of the block, and is rolled back by an exception."""
    settings = attached_settings(kafka=False).with_keys()
    # An import may think between two statements.
    engine = create_engine(settings, name="verdicts subscribers", pool_size=1, idle_seconds=0)
    links = SubscriptionLinks(settings.secret_keys, settings.voter_key)
    try:
        with engine.begin() as connection:
            yield Database(connection, links)
    finally:
        engine.dispose()
