"""What the events add up to: pure folds, the tables they fill, and what is read from them."""
