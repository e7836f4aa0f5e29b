"""Views of one tool."""
