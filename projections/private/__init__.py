"""Rows of the permanent schema that no event carries; no rebuild touches them."""
