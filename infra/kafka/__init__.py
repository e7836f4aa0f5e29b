"""Kafka: one client configuration, producing, reading, offsets, topics and the codec."""
