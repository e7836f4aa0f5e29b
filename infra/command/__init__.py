"""The `verdicts` command: the one place that knows every service, starts them and composes them."""

from infra.command.cli import main

__all__ = ["main"]
