"""Operators of generations, with and without a worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.examples import a_listing, a_vote
from tests.harness.waiting import wait_until
from tests.streams.rebuild.rebuild_operator import Operator


@pytest.fixture
def without_worker(
    cluster: dict[str, str], projected_url: str, tmp_path: Path
) -> Iterator[Operator]:
    """An operator whose worker has not been started."""
    operator = Operator(cluster, projected_url, tmp_path)
    yield operator
    operator.stop_worker()
    operator.engine.dispose()


@pytest.fixture
def operator(without_worker: Operator) -> Operator:
    without_worker.start_worker()
    return without_worker


@pytest.fixture
def tool(unique: Callable[[str], str], operator: Operator) -> str:
    """A tool with three votes, which the worker has applied with all else on the log."""
    slug = unique("tool")
    operator.send(a_listing(slug), *(a_vote(tool=slug, voter=f"{slug}-{n}") for n in range(3)))
    # What other tests left on the log is applied too, so that both generations know the same.
    wait_until("nothing waits on the log", operator.lag, lambda lag: lag == 0)
    assert operator.ships(slug) == 3
    return slug
