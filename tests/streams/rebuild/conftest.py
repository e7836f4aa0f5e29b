"""Worlds for tests of generations."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.examples import a_listing, a_vote
from tests.harness.waiting import wait_until
from tests.streams.rebuild.world import World


@pytest.fixture
def still(cluster: str, projected_url: str, tmp_path: Path) -> Iterator[World]:
    """A world in which nothing is applied yet, and nobody is there to do so."""
    made = World(cluster, projected_url, tmp_path)
    yield made
    made.stop_worker()
    made.engine.dispose()


@pytest.fixture
def world(still: World) -> World:
    still.start_worker()
    return still


@pytest.fixture
def tool(unique: Callable[[str], str], world: World) -> str:
    """A tool with three votes, which the worker has applied with all else on the log."""
    slug = unique("tool")
    world.send(a_listing(slug), *(a_vote(tool=slug, voter=f"{slug}-{n}") for n in range(3)))
    # What other tests left on the log is applied too, so that both generations know the same.
    wait_until("nothing waits on the log", world.lag, lambda lag: lag == 0)
    assert world.ships(slug) == 3
    return slug
