"""The `verdicts` command: the one package that knows every service and composes them."""

import signal


def main() -> None:
    """Run the command line. A Ctrl-C while its modules are imported ends it silently."""
    handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.cli.main import main as run

    signal.signal(signal.SIGINT, handler)
    run()
