import pytest

from schemas.events import EVENT_TYPES
from schemas.topics import CHANGES, DEAD_LETTERS, EVENT_TOPICS, TOPICS, Topic


def test_the_topics_and_their_partitions_are_those_that_others_rely_on() -> None:
    assert {topic.name: topic.partitions for topic in TOPICS} == {
        "verdicts.catalog.v1": 3,
        "verdicts.reviews.v1": 6,
        "verdicts.votes.v1": 12,
        "verdicts.bookmarks.v1": 6,
        "verdicts.digests.v1": 1,
        "verdicts.changes.v1": 6,
        "verdicts.deadletters.v1": 1,
    }


@pytest.mark.parametrize("topic", EVENT_TOPICS, ids=lambda topic: topic.name)
def test_event_topics_keep_everything(topic: Topic) -> None:
    assert topic.config["retention.ms"] == "-1"
    assert topic.config["retention.bytes"] == "-1"
    assert topic.config["cleanup.policy"] == "delete"


def test_changes_are_compacted_and_dead_letters_are_kept() -> None:
    assert CHANGES.config["cleanup.policy"] == "compact"
    assert DEAD_LETTERS.config["retention.ms"] == "-1"


def test_subjects_follow_the_topics_names() -> None:
    assert CHANGES.subject == "verdicts.changes.v1-value"


@pytest.mark.parametrize(
    ("name", "topic", "key", "role"),
    [
        ("category.defined", "verdicts.catalog.v1", "category", "editor"),
        ("tool.listed", "verdicts.catalog.v1", "tool", "editor"),
        ("tool.retired", "verdicts.catalog.v1", "tool", "editor"),
        ("reviewer.joined", "verdicts.catalog.v1", "reviewer", "editor"),
        ("review.submitted", "verdicts.reviews.v1", "tool", "editor"),
        ("review.retracted", "verdicts.reviews.v1", "tool", "editor"),
        ("vote.cast", "verdicts.votes.v1", "voter", "gateway"),
        ("vote.retracted", "verdicts.votes.v1", "voter", "gateway"),
        ("category.removed", "verdicts.catalog.v1", "category", "editor"),
        ("tool.merged", "verdicts.catalog.v1", "tool", "editor"),
        ("reviewer.left", "verdicts.catalog.v1", "reviewer", "editor"),
        ("bookmark.added", "verdicts.bookmarks.v1", "voter", "gateway"),
        ("bookmark.removed", "verdicts.bookmarks.v1", "voter", "gateway"),
        ("digest.frozen", "verdicts.digests.v1", "week", "system"),
    ],
)
def test_every_type_has_its_topic_its_key_and_who_may_send_it(
    name: str, topic: str, key: str, role: str
) -> None:
    data = EVENT_TYPES[name]
    assert (data.topic.name, data.key_field, data.role) == (topic, key, role)


def test_there_are_no_further_types() -> None:
    assert len(EVENT_TYPES) == 14
