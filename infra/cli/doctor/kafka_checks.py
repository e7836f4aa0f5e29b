"""Judges the cluster: brokers, replicas, topics' settings, producers' clocks."""

from collections.abc import Iterable, Mapping, Sequence

from infra.cli.doctor.finding import Finding, fail, ok, several, warn
from infra.kafka.acknowledgement.in_sync_replicas import PartitionState, unwritable
from infra.kafka.transactions.open_transactions import OpenTransaction
from infra.kafka.transactions.producers import TransactionProducer
from schemas.topics import TopicPartition

SAFE_REPLICAS, SAFE_IN_SYNC = 3, 2
CLOCK_SECONDS = 5.0
TRANSACTION_SECONDS = 5.0


def brokers(number: int, *, embedded: bool) -> Finding:
    """Whether the loss of a broker can be survived."""
    if embedded:
        return ok("broker", "The embedded broker answers.")
    if number < SAFE_REPLICAS:
        return warn(
            "broker",
            f"{number} of the {SAFE_REPLICAS} brokers that safety needs answer.",
            "Run three brokers, so that any one may fail without a loss.",
        )
    return ok("broker", f"{number} brokers answer.")


def replication(states: Sequence[PartitionState], *, embedded: bool) -> Finding:
    """Whether every partition has a leader and all its copies."""
    if headless := [state.name for state in states if not state.leader]:
        return fail(
            "replication",
            f"No broker leads {several(headless)}.",
            "Start the brokers that are down; until then these partitions take nothing.",
        )
    if behind := [state.name for state in states if state.in_sync < state.replicas]:
        return warn(
            "replication",
            f"Copies of {several(behind)} are behind.",
            "Look for a broker that is down or slow; wait until all copies are in sync.",
        )
    least = min((state.replicas for state in states), default=0)
    if least < SAFE_REPLICAS and not embedded:
        return warn(
            "replication",
            f"Some partitions have only {least} of {SAFE_REPLICAS} copies.",
            "Raise them with kafka-reassign-partitions; topics keep what they were made with.",
        )
    return ok("replication", f"{len(states)} partitions are led, with all copies in sync.")


def acknowledgement(states: Sequence[PartitionState], least: Mapping[str, int]) -> Finding:
    """Whether records are acknowledged, and then are on two brokers.

    Args:
        states: Of all partitions.
        least: `min.insync.replicas` of each topic.
    """
    if blocked := [state.name for state in unwritable(states, least)]:
        return fail(
            "acknowledgement",
            f"Fewer copies of {several(blocked)} are in sync than min.insync.replicas asks for: "
            "no event there is acknowledged.",
            "Start the brokers that are down; or lower min.insync.replicas with kafka-configs.",
        )
    replicas = max((state.replicas for state in states), default=0)
    weak = sorted(topic for topic, number in least.items() if number < SAFE_IN_SYNC)
    if weak and replicas >= SAFE_REPLICAS:
        return fail(
            "acknowledgement",
            f"One broker alone may acknowledge for {several(weak)}, and lose it.",
            f"Set min.insync.replicas={SAFE_IN_SYNC} on these topics with kafka-configs.",
        )
    return ok("acknowledgement", "Every copy that safety counts on acknowledges.")


def topics(missing: list[str], differences: list[str]) -> Iterable[Finding]:
    """Whether the topics are those of the catalogue."""
    if missing:
        yield fail("topics", f"{several(missing)} do not exist.", "Run: verdicts topics apply")
    for difference in differences:
        # Differences that can lose or reorder events are a danger.
        danger = any(word in difference for word in ("retention", "cleanup.policy", "partitions"))
        judge = fail if danger else warn
        yield judge("topics", difference, _remedy(difference))
    if not missing and not differences:
        yield ok("topics", "All topics are as the catalogue says.")


def _remedy(difference: str) -> str:
    if " partitions, not " not in difference:
        return "Set it as the catalogue says, with kafka-configs."
    return (
        "Where it is new, delete it with kafka-topics and run: verdicts topics apply. Where it is "
        "in use, kafka-topics --alter can raise the number, which moves keys; nothing lowers it."
    )


def transactions(
    open_: Sequence[OpenTransaction], producers: Mapping[TopicPartition, TransactionProducer]
) -> Iterable[Finding]:
    """Whether a transaction keeps consumers from reading on, and whose it is."""
    blocking = [each for each in open_ if each.lasts(TRANSACTION_SECONDS)]
    for each in blocking:
        producer = producers.get(each.topic_partition)
        yield fail(
            "transactions",
            f"{_named(producer)} is open for {each.duration} and stops all reading of "
            f"{each.partition_name} at offset {each.offset}: no later event reaches a page.",
            _end(each, producer),
        )
    if not blocking:
        yield ok("transactions", "No open transaction keeps events from being read.")


def _named(producer: TransactionProducer | None) -> str:
    if producer is None:
        return "A transaction of a producer that no broker names"
    numbers = f"producer id {producer.producer_id}, epoch {producer.epoch}"
    if producer.transactional_id is None:
        return f"A transaction that no coordinator knows ({numbers})"
    at = f", coordinator {producer.coordinator}"
    return f"The transaction {producer.transactional_id!r} ({numbers}{at})"


def _end(transaction: OpenTransaction, producer: TransactionProducer | None) -> str:
    topic, partition = transaction.topic_partition
    command = (
        f"kafka-transactions.sh --bootstrap-server HOST:PORT abort --topic {topic} "
        f"--partition {partition} --start-offset {transaction.offset}"
    )
    if producer is not None and producer.transactional_id is not None:
        return f"End or restart that producer, which aborts it; or run: {command}"
    return f"Run: {command}"


def newest(ahead: float) -> Finding:
    """Whether a producer's clock is ahead: by how many seconds the newest record is."""
    if ahead > CLOCK_SECONDS:
        return warn(
            "producers' clocks",
            f"The newest record on the log is dated {ahead:.0f} s ahead of this machine.",
            "Synchronise the clocks of all machines, this one included.",
        )
    return ok("producers' clocks", "No record is dated ahead.")
