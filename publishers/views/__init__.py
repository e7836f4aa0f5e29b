"""Views turn records into what the templates show; every function in here is pure."""
