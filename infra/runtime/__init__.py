"""How a process runs: blocking calls off the event loop, and the garbage collector."""
