"""Consumes topics with Faust, in batches, with offsets in the transactions that apply them."""
