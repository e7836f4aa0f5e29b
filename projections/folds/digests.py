"""Digests: each closed week's digest, as it was decided once."""

from collections.abc import Iterable

from projections.folds.ordering import earliest_first
from projections.folds.registers import RegisterWrite
from schemas import digests
from schemas.events import DigestFrozen, Event


def digest_frozen(event: Event[DigestFrozen]) -> Iterable[RegisterWrite]:
    """Keep the earliest decision on a week, however many follow.

    A quiet week's row holds no tallies: they equal those of the week before.
    """
    frozen = event.data
    tallies = () if digests.is_quiet(frozen.digest) else frozen.tallies
    values = {
        "time": event.time,
        "digest": frozen.digest,
        # Keyed by tool, so a query reads one tool's tally without reading the others.
        "tallies": {tally.tool: [tally.ship, tally.skip, tally.bookmarks] for tally in tallies},
    }
    yield RegisterWrite("digests", (frozen.week,), earliest_first(event), values)
