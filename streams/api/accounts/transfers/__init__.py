"""Votes and bookmarks that change their owner at sign-in, or are taken back."""
