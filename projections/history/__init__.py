"""How verdicts moved: timelines and weekly digests."""
