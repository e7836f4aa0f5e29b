"""Steps that prepare an installation: tables, topics, the local token, demo content."""
