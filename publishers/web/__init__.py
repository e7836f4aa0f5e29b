"""The site as an ASGI application."""
