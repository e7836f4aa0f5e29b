"""Filling a new generation of projections from the log."""
