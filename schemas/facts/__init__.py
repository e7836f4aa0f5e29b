"""Facts of tools: what a category's tools are compared by, and the values that listings give."""
