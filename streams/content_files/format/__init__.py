"""The format of a content file: read, explained where it is wrong, and written."""
