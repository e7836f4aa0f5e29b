"""How folded rows are stored: one transaction with checkpoint and outbox."""
