"""The HTTP side: events in, answers and changes out."""
