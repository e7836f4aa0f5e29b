"""One pure function per event, from the event to the rows it claims."""
