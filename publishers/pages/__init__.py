"""Which pages exist, what they depend on, and how each is rendered."""
