"""Faust workers: events to projections, outbox to changes, weeks to digests; waits for the log."""
