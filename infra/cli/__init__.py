"""The `verdicts` command: the one place that knows every service, starts them and composes them."""

import signal


def main() -> None:
    """Run the command line. A Ctrl-C while its modules are still being read ends it silently."""
    usual = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from infra.cli.main import main as run

    signal.signal(signal.SIGINT, usual)
    run()
