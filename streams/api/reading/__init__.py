"""Public JSON reads, and files of a visitor's own data."""
