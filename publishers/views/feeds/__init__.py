"""Views of the Atom feeds."""
