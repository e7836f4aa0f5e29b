"""What a text may hold, and what it may do to the text around it."""
