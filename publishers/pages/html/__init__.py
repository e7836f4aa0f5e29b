"""The HTML pages, rendered from site content.

Every function returns the bytes of a page, or None if there is no such page now.
"""
