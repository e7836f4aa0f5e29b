"""Search: the words of texts and queries, the index of the tools, and the results."""
