"""The HTTP API: events in, reads and changes out."""
