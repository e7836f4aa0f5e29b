"""Views of two to four tools side by side."""
