"""`verdicts mail`: issues, their ledger, and bounces."""
