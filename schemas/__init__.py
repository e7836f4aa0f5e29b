"""The vocabulary: events, topics, records, their Avro schemas and an example of each."""
