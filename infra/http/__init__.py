"""Rules of HTTP that the API and the site share. Pure."""
