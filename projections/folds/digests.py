"""The weeks: each closed week's digest, as it was decided once."""

from collections.abc import Iterable

from projections.folds.ordering import earliest_first
from projections.folds.registers import RegisterWrite
from schemas import digests
from schemas.events import DigestFrozen, Event


def digest_frozen(event: Event) -> Iterable[RegisterWrite]:
    """The first decision on a week counts, however many were made.

    Of a quiet week no tallies are kept: they are those of the week before.
    """
    data = event.data
    assert isinstance(data, DigestFrozen)
    told = () if digests.is_quiet(data.digest) else data.tallies
    values = {
        "time": event.time,
        "digest": data.digest,
        # By tool, so that one tool's history is looked up without reading all the others.
        "tallies": {one.tool: [one.ship, one.skip, one.bookmarks] for one in told},
    }
    yield RegisterWrite("digests", (data.week,), earliest_first(event), values)
