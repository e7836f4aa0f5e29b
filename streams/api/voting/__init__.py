"""Votes and bookmarks of browsers."""
