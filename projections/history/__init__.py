"""How verdicts changed: tool histories and weekly digests."""
