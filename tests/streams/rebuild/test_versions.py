"""A log that holds every version of every event is rebuilt to what the worker made of it."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas.avro.catalogue import VERSIONS
from schemas.events import Event
from schemas.topics import CHANGES
from streams.rebuild import service
from tests.harness.examples import (
    MINUTE,
    NOON,
    a_bookmark,
    a_category,
    a_departure,
    a_listing,
    a_merge,
    a_removal,
    a_review,
    a_reviewer,
    a_vote,
    avro,
)
from tests.harness.kafka import CODEC
from tests.harness.waiting import wait_until
from tests.streams.rebuild.rebuild_operator import SECOND, Operator

pytestmark = pytest.mark.integration

_SUBJECTS = ("tool", "into", "category", "reviewer", "voter")


def test_a_log_of_every_version_is_rebuilt_to_the_live_projections(
    operator: Operator, unique: Callable[[str], str]
) -> None:
    own = unique("version")
    for topic, raw in every_version(own):
        operator.sender.send_raw(topic, CODEC.decode(topic, raw).key.encode(), raw)
    names = [f"{own}-{name}" for name in ("ant", "bee", "cat", "dog")]
    history = a_history_of_names(names)
    random.Random(0).shuffle(history)
    operator.send(*history)
    wait_until("the worker has applied the log", operator.lag, lambda lag: lag == 0)
    operator.rebuild()
    comparison = service.compare(operator.settings, operator.engine, CODEC, SECOND)
    tables = {table.table: table for table in comparison.tables}
    assert [table.table for table in comparison.tables if not table.equal] == []
    for table in ("aliases", "category_aliases", "group_tallies", "merges", "departures"):
        assert tables[table].rows[0] > 0
    assert [operator.ships(name) for name in names] == [None, None, 2, None]


def every_version(own: str) -> Iterator[tuple[str, bytes]]:
    """The examples of all versions as records, about subjects and a week of this test."""
    for version in VERSIONS:
        if version.topic is not CHANGES:
            for example in version.examples():
                value: dict[str, Any] = {**example["value"]}
                value |= {key: f"{own}-{value[key]}" for key in _SUBJECTS if value.get(key)}
                value |= {"week": "1980-W02"} if "week" in value else {}
                raw = avro(version.schema(), example["record"], value, version.id)
                yield version.topic.name, raw


def a_history_of_names(names: list[str]) -> list[Event]:
    """A chain of merges into the third, a circle with the fourth, votes for all, and a departure.

    The fourth's merge is the oldest link of the circle, so the newer one out of it does not count.
    """
    category, apps, reviewer = (f"{names[0]}-{kind}" for kind in ("tools", "apps", "ann"))
    ant, bee, cat, dog = names
    return [
        *(a_category(each) for each in (category, apps)),
        a_removal(category, apps, time=NOON + MINUTE),
        *(a_listing(name, category=category) for name in names),
        a_reviewer(reviewer),
        a_departure(reviewer, time=NOON + MINUTE),
        *(a_review(tool=name, reviewer=reviewer) for name in names),
        a_merge(dog, cat, time=NOON + MINUTE),
        a_merge(ant, bee, time=NOON + 2 * MINUTE),
        a_merge(bee, cat, time=NOON + 3 * MINUTE),
        a_merge(cat, dog, time=NOON + 4 * MINUTE),
        *(a_vote(tool=name, voter=f"{ant}-both", time=NOON + MINUTE) for name in names),
        a_vote(tool=bee, voter=f"{ant}-one"),
        a_bookmark(tool=dog, voter=f"{ant}-one"),
    ]
