"""Views of a weekly digest."""
