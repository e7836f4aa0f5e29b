"""The version of what a page shows, for pages that are not stored."""

from collections.abc import Hashable, Sequence

from sqlalchemy import Connection, func, select

from projections.history.weekly_digests import find_newest_digest_week
from projections.read.checkpoints import read_applied_offsets
from projections.read.tools import read_tallies
from schemas.topics import CATALOG, DIGESTS, REVIEWS, VOTES

_EDITS = [CATALOG.name, REVIEWS.name, DIGESTS.name]
_EVENTS = [*_EDITS, VOTES.name]


def read_version(connection: Connection, slugs: Sequence[str]) -> Hashable:
    """Read the version of a comparison of these tools, or without any of a list of tools.

    It differs wherever the page may differ: any edit may change the name of a category or of a
    reviewer, while votes on other tools are on no comparison.
    """
    generation = connection.scalar(select(func.current_schema()))
    applied = read_applied_offsets(connection, _EDITS if slugs else _EVENTS)
    tallies = read_tallies(connection, slugs) if slugs else {}
    versions = tuple(sorted((slug, tally.version) for slug, tally in tallies.items()))
    week = find_newest_digest_week(connection)
    return generation, tuple(sorted(applied.items())), versions, week
