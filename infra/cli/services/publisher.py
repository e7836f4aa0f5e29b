"""`verdicts publisher` and `verdicts publish`: write the pages, continuously or once."""

import click

from infra.cli.options import answer, as_json, attached_settings, counted
from infra.cli.services.run import run_service
from publishers.publisher import main, publish_all
from schemas.channels import ServiceName


@click.command()
def publisher() -> None:
    """Write the pages; one replica is active, the others stand by.

    \b
    verdicts publisher                                  beside a running `verdicts up`
    VERDICTS_METRICS=127.0.0.1:9100 verdicts publisher  with /metrics on that address
    """
    run_service(ServiceName.PUBLISHER, main, kafka=False)


@click.command()
@click.option("--all", "everything", is_flag=True, required=True, help="Render every page again.")
@as_json
def publish(everything: bool, as_json: bool) -> None:  # noqa: ARG001
    """Render all pages from the projections; unchanged pages keep their bytes.

    \b
    verdicts publish --all
    """
    counts = publish_all(attached_settings(kafka=False))
    text = f"Rendered {counted(counts['rendered'], 'page')}; {counts['changed']:,} changed."
    answer(counts, as_json, text)
