from collections.abc import Callable
from typing import NamedTuple

import pytest

from infra.kafka.client import create_producer
from infra.kafka.topics import TopicsError, apply, is_empty
from infra.settings import Settings


class ATopic(NamedTuple):
    name: str
    partitions: int = 2
    config: dict[str, str] = {"retention.ms": "-1"}  # noqa: RUF012


def at(kafka: dict[str, str]) -> Settings:
    return Settings.from_environment(kafka)


@pytest.mark.integration
def test_missing_topics_are_created_and_later_found(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    topic = ATopic(unique("topic"))
    assert apply(at(kafka), [topic]).created == [topic.name]
    again = apply(at(kafka), [topic])
    assert (again.created, again.found, again.differences) == ([], [topic.name], [])


@pytest.mark.integration
def test_a_topic_that_differs_is_reported_and_not_changed(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    name = unique("topic")
    apply(at(kafka), [ATopic(name)])
    other = ATopic(name, partitions=3, config={"retention.ms": "1000"})
    differences = [f"{name} has 2 partitions, not 3.", f"{name} has retention.ms=-1, not 1000."]
    assert apply(at(kafka), [other]).differences == differences
    assert apply(at(kafka), [other]).differences == differences


@pytest.mark.integration
def test_a_log_is_empty_until_a_record_is_written(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    first, second = ATopic(unique("topic")), ATopic(unique("topic"))
    apply(at(kafka), [first, second])
    assert is_empty(at(kafka), [first.name, second.name])
    producer = create_producer(at(kafka))
    producer.produce(second.name, b"x", partition=1)
    producer.flush()
    assert not is_empty(at(kafka), [first.name, second.name])
    assert is_empty(at(kafka), [first.name])


@pytest.mark.integration
def test_a_refusal_of_the_broker_is_one_sentence(
    kafka: dict[str, str], unique: Callable[[str], str]
) -> None:
    with pytest.raises(TopicsError, match="refused"):
        apply(at(kafka), [ATopic(unique("topic"), config={"no.such.setting": "1"})])
