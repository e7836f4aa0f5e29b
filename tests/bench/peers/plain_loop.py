"""Plain confluent-kafka: as many threads as we have batches in flight, the same fold and SQL."""

import os
import sys
import threading
import uuid

from confluent_kafka import Consumer, TopicPartition

from infra.postgres.engine import create_engine
from tests.bench.peers.counting import commit
from tests.bench.peers.reading import Report

TOTAL, THREADS, PARTITIONS = int(sys.argv[1]), 4, 12
database = create_engine(os.environ["DATABASE_URL"], pool_size=THREADS)
report = Report(TOTAL)
lock = threading.Lock()


def loop(first: int) -> None:
    """Read every fourth partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": uuid.uuid4().hex,
            "enable.auto.commit": False,
        }
    )
    partitions = range(first, PARTITIONS, THREADS)
    consumer.assign([TopicPartition("verdicts.votes.v1", partition, 0) for partition in partitions])
    report.begin()
    while True:
        values = [message.value() or b"" for message in consumer.consume(5_000, 0.1)]
        if values:
            commit(database, values)
            with lock:
                if report.add(len(values)):
                    os._exit(0)


for number in range(THREADS):
    threading.Thread(target=loop, args=(number,)).start()
