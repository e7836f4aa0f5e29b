"""`verdicts worker`: the stream processors."""

import click

from infra.cli.services.run import run_service
from infra.kafka.registry import codec
from schemas.channels import ServiceName
from streams.worker import main


@click.command()
def worker() -> None:
    """Apply events to the projections; run any number of replicas.

    \b
    verdicts worker                             beside a running `verdicts up`
    VERDICTS_INSTANCE=worker-7 verdicts worker  with a stable name, for quick restarts
    """
    run_service(ServiceName.WORKER, lambda settings: main(settings, codec(settings)))
