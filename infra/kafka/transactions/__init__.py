"""Transactions that stay open, and the producers that opened them."""
