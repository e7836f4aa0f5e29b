"""Events as operators ask for them, read from the log: queries, reading, and texts."""
