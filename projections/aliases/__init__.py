"""Other names of tools and categories: what merges and removals resolve to, and shared tallies."""
