"""A plain confluent-kafka producer with the same properties: finished records, no HTTP."""

import os
import sys
import time

from infra.kafka.client import create_producer
from infra.kafka.codec import Codec
from infra.settings import Settings
from schemas.topics import VOTES
from tests.bench.stage import votes

TOTAL = int(sys.argv[1])
KINDS = 20_000
acknowledged = 0


def noted(error: object, _: object) -> None:
    """Count an acknowledgement."""
    global acknowledged
    if error is None:
        acknowledged += 1


codec = Codec()
records = [(event.key.encode(), codec.encode(event)) for event in votes(KINDS, KINDS)]
producer = create_producer(Settings.from_environment(os.environ))


def send(total: int) -> float:
    """Send records and wait for every acknowledgement; gives the seconds."""
    global acknowledged
    acknowledged, began = 0, time.monotonic()
    for number in range(total):
        key, value = records[number % KINDS]
        while True:
            try:
                producer.produce(VOTES.name, value, key, on_delivery=noted)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 500 == 499:
            producer.poll(0)
    producer.flush()
    assert acknowledged == total, f"{acknowledged} of {total} were acknowledged"
    return time.monotonic() - began


send(KINDS)  # the first records wait half a second for connection and producer id, or nothing
print(f"RATE {TOTAL / send(TOTAL):.1f}", flush=True)
