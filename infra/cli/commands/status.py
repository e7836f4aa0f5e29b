"""`verdicts status`: asks a running system whether its whole chain works."""

import sys
from typing import Any, NamedTuple

import click
import httpx

from infra.cli.options import answer, as_json, counted, read_settings
from infra.errors import VerdictsError
from infra.settings import Settings, local_url
from infra.supervisor.data_folder import DataFolder


@click.command()
@as_json
def status(as_json: bool) -> None:
    """Say whether a vote sent now would reach a page; exit status 1 if not.

    \b
    verdicts status
    verdicts status --json | jq .reasons
    """
    report = fetch(read_settings())
    answer(report.body, as_json, to_text(report))
    sys.exit(0 if report.ready else 1)


class StatusReport(NamedTuple):
    """The answer of `/status`.

    Attributes:
        ready: Whether a vote sent now would reach a page.
        body: The JSON object, with the `url` that was asked.
    """

    ready: bool
    body: dict[str, Any]


def fetch(settings: Settings) -> StatusReport:
    """Ask the system of the data folder, or the one on host and port.

    Raises:
        VerdictsError: Nothing answers there.
    """
    run = DataFolder(settings.data).read_run() if settings.data.exists() else None
    url = run.url if run else local_url(settings.host, settings.port)
    try:
        response = httpx.get(f"{url}/status", timeout=10, trust_env=False)
        return StatusReport(response.status_code == 200, {"url": url, **response.json()})
    except (httpx.HTTPError, ValueError, TypeError) as error:
        raise VerdictsError(f"Nothing answers at {url}; start it with `verdicts up`.") from error


def to_text(report: StatusReport) -> str:
    """Return the report for a person: the verdict, its reasons, and a line per process."""
    verdict = (
        "A vote sent now reaches a page." if report.ready else "A vote sent now reaches no page."
    )
    body = report.body
    reasons = [f"  Because: {reason}" for reason in body.get("reasons", ())]
    behind = [f"  Behind: {', '.join(body['behind'])}"] if body.get("behind") else []
    processes = [f"  {_process(beat)}" for beat in body.get("services", ())]
    waiting = f"  The oldest change waits {body.get('waiting_seconds', 0):g} s for its pages."
    return "\n".join([verdict, *reasons, *behind, *processes, waiting, f"  {body['url']}/status"])


def _process(beat: dict[str, Any]) -> str:
    """Return what one process does, such as `worker  worker-1  seen 0.4 s ago, 28 partitions`."""
    detail = beat["detail"]
    partitions = sum(map(len, detail.get("assigned", {}).values()))
    does = [
        f"seen {beat['age']:.1f} s ago",
        *([counted(partitions, "partition")] if partitions else ()),
        *(["relays changes"] if detail.get("relay") else ()),
        *(["active"] if detail.get("active") else ()),
    ]
    return f"{beat['service']:<10} {beat['instance']:<16} {', '.join(does)}"
