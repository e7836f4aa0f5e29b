"""The load: programs of their own, so that making requests costs what is measured little."""
