"""Checks of mail: its configuration, its issues, and complaints."""
