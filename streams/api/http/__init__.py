"""Responses, problems and time-outs."""
