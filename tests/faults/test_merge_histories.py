"""Ten thousand random histories with merges, on the real database, against the reference."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.events import Event
from tests.projections.histories import merge_histories, splits
from tests.projections.reference import Reference
from tests.projections.test_law import GENERATE, agrees, emptied, everything

pytestmark = pytest.mark.integration

PARTS, EXAMPLES = 10, 1_000


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_histories_with_merges_chains_circles_and_departures_are_what_the_contract_says(
    projected: Engine, part: int
) -> None:
    @hypothesis.seed(part)
    @hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, phases=GENERATE)
    @given(merge_histories(), st.data())
    def holds(history: list[Event], data: st.DataObject) -> None:
        at_once = emptied(projected)
        at_once.apply(*history)
        agrees(at_once, Reference(history))
        rows = everything(at_once)
        in_parts = emptied(projected)
        for batch in data.draw(splits(history)):
            in_parts.apply(*batch)
        assert everything(in_parts) == rows

    holds()
