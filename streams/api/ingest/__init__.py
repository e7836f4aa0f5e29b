"""`POST /v1/events`: from CloudEvents to acknowledged records."""
