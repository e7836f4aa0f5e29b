"""Our schemas, as a Confluent schema registry serves them, for reading."""
