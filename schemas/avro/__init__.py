"""The Avro schemas and their catalogue."""
