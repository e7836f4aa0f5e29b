"""How projections are read."""
