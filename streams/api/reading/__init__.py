"""Public JSON reads."""
