"""CloudEvents in structured, batched and binary mode."""
