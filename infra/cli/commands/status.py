"""Asks a running system whether its whole chain works."""

from typing import Any, NamedTuple

import httpx

from infra.embedded.errors import EmbeddedError
from infra.settings import Settings, local_url
from infra.supervisor.data_folder import DataFolder


class StatusReport(NamedTuple):
    """What `/status` said, and whether a vote sent now would reach a page."""

    ready: bool
    told: dict[str, Any]


def ask(settings: Settings) -> StatusReport:
    """Ask the system of the data folder, or the one on host and port.

    Raises:
        EmbeddedError: When nobody answers there.
    """
    run = DataFolder(settings.data).read_run() if settings.data.exists() else None
    url = run.url if run else local_url(settings.host, settings.port)
    try:
        answer = httpx.get(f"{url}/status", timeout=10, trust_env=False)
        return StatusReport(answer.status_code == 200, {"url": url, **answer.json()})
    except (httpx.HTTPError, ValueError, TypeError) as error:
        raise EmbeddedError(f"Nothing answers at {url}; start it with `verdicts up`.") from error


def readable(answer: StatusReport) -> str:
    """The answer for a person: the verdict, then one line per fact."""
    first = "A vote sent now reaches a page." if answer.ready else "Something is missing."
    return "\n".join([first, *_lines(answer.told)])


def _lines(value: dict[str, Any], indent: str = "  ") -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{indent}{key}", *_lines(item, indent + "  ")]
        elif isinstance(item, list):
            lines += [f"{indent}{key:<15} {_short(part)}" for part in item or ["none"]]
        else:
            lines.append(f"{indent}{key:<15} {item}")
    return lines


def _short(part: Any) -> str:
    """One entry of a list on one line; of what lies deeper only how much there is."""
    if isinstance(part, dict):
        return "  ".join(f"{key} {_short(item)}" for key, item in part.items())
    return str(len(part)) if isinstance(part, list) else str(part)
