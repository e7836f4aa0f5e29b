"""Kafka: client configuration, delivery, producer, offsets, reader, topics, codec and registry."""
