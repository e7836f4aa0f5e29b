"""The Kafka broker that comes with `verdicts up`."""
