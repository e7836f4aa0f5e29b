"""`verdicts content`: categories, tools, reviewers and reviews as files."""
