"""Event queries, and export and import of the log."""
