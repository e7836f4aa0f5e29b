"""The commands that run services."""
