"""`verdicts mail`: see what was sent to whom, send an issue, hold it, and decide on doubts."""

import click

from infra.cli.commands.mail.issue_commands import pause, resolve, resume, send, status
from infra.cli.commands.mail.mail_commands import bounce, list_, show
from infra.cli.commands.mail.preview import preview


@click.group()
def mail() -> None:
    """Send digests, and see what became of each mail.

    \b
    verdicts mail status
    verdicts mail send 2026-W47 --dry-run
    verdicts mail list --state ambiguous
    """


for command in (status, list_, show, preview, send, pause, resume, resolve, bounce):
    mail.add_command(command)
