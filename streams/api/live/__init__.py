"""Live progress and tallies: waits, cache and Server-Sent Events."""
