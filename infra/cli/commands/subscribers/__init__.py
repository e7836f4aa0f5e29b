"""`verdicts subscribers`."""
