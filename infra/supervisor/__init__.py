"""Starts, watches and restarts the services of `verdicts up`."""
