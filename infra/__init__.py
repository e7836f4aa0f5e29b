"""The outside world: settings, embedded servers, database, topics, logs and the command line."""
