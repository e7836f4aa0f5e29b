"""The incremental site build: dirty records to files."""
