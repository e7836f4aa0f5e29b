"""Cookies and lookups of sessions."""
