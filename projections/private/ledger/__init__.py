"""The ledger of digest mails: an issue per week, and a row per issue and subscriber."""
