"""The commands that ask a running system, or change it."""
