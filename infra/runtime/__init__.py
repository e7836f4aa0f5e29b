"""Blocking calls with a timeout, cached look-ups, shared reads, and the garbage collector."""
