"""Whether the whole pipeline works."""
