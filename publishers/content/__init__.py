"""Everything that pages are made from."""
