"""Records that can never be applied: written, listed, replayed."""
