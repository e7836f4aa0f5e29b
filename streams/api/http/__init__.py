"""Requests and responses: bodies, problems, pages, time-outs and metrics."""
