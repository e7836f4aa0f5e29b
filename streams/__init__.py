"""How events get in and through: the API, the processors, the relay."""
