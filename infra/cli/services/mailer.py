"""`verdicts mailer`: send digests and single mails."""

import click

from infra.cli.services.run import run_service
from publishers.mailer.service import main
from schemas.channels import ServiceName


@click.command()
def mailer() -> None:
    """Send mail; one replica is active, the others stand by.

    Without SMTP_URL each mail becomes a file in the Maildir `mail` of the data folder.

    \b
    verdicts mailer                                     beside a running `verdicts up`
    SMTP_URL=smtp://user:password@mail.example:587 VERDICTS_MAIL_FOOTER='1 Main St' verdicts mailer
    """
    run_service(ServiceName.MAILER, main, kafka=False)
