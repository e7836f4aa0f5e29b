"""The catalogue of topics: producers, consumers, keys, partitions and retention.

Names, partitions and keys never change: another number of partitions would move keys.
"""

from collections.abc import Mapping

import msgspec

TopicPartition = tuple[str, int]
"""The name of a topic and the number of one of its partitions."""

TOKEN_HEADER = "verdicts-token"  # noqa: S105 - a name
"""The record's header with the id of the token that sent the event. Votes and bookmarks have none,
since their size counts."""


class Topic(msgspec.Struct, frozen=True):
    """A Kafka topic.

    Attributes:
        name: Also the prefix of the schema subject.
        partitions: Their number.
        key: What records are keyed by, in words.
        holds: What the topic holds, in words.
        config: Properties of the topic on the broker.
    """

    name: str
    partitions: int
    key: str
    holds: str
    config: Mapping[str, str]

    @property
    def subject(self) -> str:
        """The schema subject of its values (topic name strategy)."""
        return f"{self.name}-value"


# Retention without end.
FOREVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(
        2 << 20
    ),  # the largest request to the API, as one event with its headers
    # Workers measure an event's time against the timestamp of its record. The producer sets that,
    # so an import keeps it and a replay decides alike; the broker refuses one far ahead of its own
    # clock. An hour, Kafka's default, leaves room for an API whose clock is wrong.
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": "3600000",
}
# A changed record holds all reviews of a tool, a dead letter an original with its headers.
LARGEST_RECORD = 32 << 20
LARGE = {"max.message.bytes": str(LARGEST_RECORD)}
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", **LARGE}

# Workers (group `verdicts-projections`), rebuilds and `verdicts log export` read every event topic.
CATALOG = Topic(
    "verdicts.catalog.v1",
    3,
    "tool, category or reviewer",
    "categories, tools and reviewers",
    FOREVER,
)
"""Producer: the API, for editors. Retention: for ever."""
REVIEWS = Topic("verdicts.reviews.v1", 6, "tool", "the panel's reviews", FOREVER)
"""Producer: the API, for editors. Retention: for ever."""
VOTES = Topic("verdicts.votes.v1", 12, "voter", "the community's votes", FOREVER)
"""Producer: the API, for browsers and gateways. Retention: for ever."""
BOOKMARKS = Topic("verdicts.bookmarks.v1", 6, "voter", "readers' bookmarks", FOREVER)
"""Producer: the API, for browsers and gateways. Retention: for ever."""
DIGESTS = Topic(
    "verdicts.digests.v1", 1, "week", "closed weeks; the first of a week counts", FOREVER
)
"""Producer: the worker that closes a week. Retention: for ever."""
CHANGES = Topic(
    "verdicts.changes.v1",
    6,
    "{projection}:{key}",
    "the whole record of a tool, category, reviewer or digest after a change",
    COMPACTED,
)
"""Producer: the worker's outbox relay. Consumers: the API's live stream, and any downstream system.

Retention: the newest record of each key; a tombstone where the record is gone.
"""
DEAD_LETTERS = Topic(
    "verdicts.deadletters.v1",
    1,
    "that of the original",
    "original bytes that could not be applied, with the reason in headers",
    {**FOREVER, **LARGE},
)
"""Producer: workers. Consumers: `verdicts deadletters`, `verdicts doctor`. Retention: for ever."""

EVENT_TOPICS = (CATALOG, REVIEWS, VOTES, BOOKMARKS, DIGESTS)
TOPICS = (*EVENT_TOPICS, CHANGES, DEAD_LETTERS)
EVENT_PARTITIONS: tuple[TopicPartition, ...] = tuple(
    (topic.name, number) for topic in EVENT_TOPICS for number in range(topic.partitions)
)
"""Every partition of the event topics."""
DEAD_LETTERS_PARTITION: TopicPartition = (DEAD_LETTERS.name, 0)
"""The only partition of the topic of dead letters."""
