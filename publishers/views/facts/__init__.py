"""Facts of tools as pages show them: texts, rows of comparisons, filters of categories."""
