"""The PostgreSQL server that comes with `verdicts up`."""
