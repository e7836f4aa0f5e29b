"""Words, numbers and Markdown."""
