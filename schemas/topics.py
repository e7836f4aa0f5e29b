"""The catalogue of topics: who may rely on which name, how many partitions, kept how long."""

from collections.abc import Mapping

import msgspec

TopicPartition = tuple[str, int]
"""The name of a topic and the number of one of its partitions."""


class Topic(msgspec.Struct, frozen=True):
    """A Kafka topic. `key` says in words what records are keyed by."""

    name: str
    partitions: int
    key: str
    holds: str
    config: Mapping[str, str]

    @property
    def subject(self) -> str:
        """The schema subject of its values (topic name strategy)."""
        return f"{self.name}-value"


FOREVER = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "max.message.bytes": str(2 << 20),  # an event of the largest request, and what is around it
}
# A record holds all reviews of a tool, a dead letter an original with headers.
LARGEST_RECORD = 32 << 20
LARGE = {"max.message.bytes": str(LARGEST_RECORD)}
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", **LARGE}

CATALOG = Topic(
    "verdicts.catalog.v1",
    3,
    "tool, category or reviewer",
    "categories, tools and reviewers",
    FOREVER,
)
REVIEWS = Topic("verdicts.reviews.v1", 6, "tool", "the panel's reviews", FOREVER)
VOTES = Topic("verdicts.votes.v1", 12, "voter", "the community's votes", FOREVER)
BOOKMARKS = Topic("verdicts.bookmarks.v1", 6, "voter", "what readers keep", FOREVER)
DIGESTS = Topic(
    "verdicts.digests.v1", 1, "week", "closed weeks; the first of a week counts", FOREVER
)
CHANGES = Topic(
    "verdicts.changes.v1",
    6,
    "{projection}:{key}",
    "the whole record of a tool, category, reviewer or digest after a change",
    COMPACTED,
)
DEAD_LETTERS = Topic(
    "verdicts.deadletters.v1",
    1,
    "that of the original",
    "original bytes that could not be applied, with the reason in headers",
    {**FOREVER, **LARGE},
)

EVENT_TOPICS = (CATALOG, REVIEWS, VOTES, BOOKMARKS, DIGESTS)
TOPICS = (*EVENT_TOPICS, CHANGES, DEAD_LETTERS)
EVENT_PARTITIONS: tuple[TopicPartition, ...] = tuple(
    (topic.name, number) for topic in EVENT_TOPICS for number in range(topic.partitions)
)
"""Every partition that events stand on."""
