import pytest

from projections.read.checkpoints import read_applied_offsets
from tests.harness.examples import (
    a_listing,
    a_vote,
)
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_applied_offsets_come_by_topic_partition(journal: Journal) -> None:
    journal.apply(a_listing(), a_vote())
    assert journal.read(read_applied_offsets, ["tests.journal"]) == {("tests.journal", 0): 2}
    assert journal.read(read_applied_offsets, ["another"]) == {}
