"""`verdicts status`: asks a running system whether its whole chain works."""

import sys
from typing import Any, NamedTuple

import click
import httpx

from infra.cli.options import answer, as_json, read_settings
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
    """Return the report for a person: the verdict, then one line per fact."""
    verdict = (
        "A vote sent now reaches a page." if report.ready else "A vote sent now reaches no page."
    )
    return "\n".join([verdict, *_lines(report.body)])


def _lines(value: dict[str, Any], indent: str = "  ") -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{indent}{key}", *_lines(item, indent + "  ")]
        elif isinstance(item, list):
            lines += [f"{indent}{key:<15} {_one_line(part)}" for part in item or ["none"]]
        else:
            lines.append(f"{indent}{key:<15} {item}")
    return lines


def _one_line(item: Any) -> str:
    """Return a list's item on one line; a list inside it only as its length."""
    if isinstance(item, dict):
        return "  ".join(f"{key} {_one_line(value)}" for key, value in item.items())
    return str(len(item)) if isinstance(item, list) else str(item)
