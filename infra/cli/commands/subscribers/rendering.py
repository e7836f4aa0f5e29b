"""Subscriptions and reports of imports, for a person and for a program."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from infra.cli.options import counted
from projections.private.subscribers.addresses import show_address
from projections.private.subscribers.csv_files import LineReport
from projections.private.subscribers.subscriptions import Subscriber
from projections.private.subscribers.suppressions import Suppression

_OUTCOMES = {
    "added": "added",
    "present": "subscribed before",
    "unsubscribed": "unsubscribed earlier",
    "suppressed": "suppressed",
    "repeated": "repeated",
    "invalid": "invalid",
}


class ImportSummary(NamedTuple):
    """Number of lines by outcome, and the same as a sentence."""

    counts: dict[str, int]
    text: str


def describe(
    subscriber: Subscriber | None, suppression: Suppression | None = None
) -> dict[str, Any]:
    """Everything that is stored, as JSON values; empty if nothing is."""
    value: dict[str, Any] = {}
    if subscriber:
        value = msgspec.to_builtins(subscriber)
        value |= {"shown": show_address(subscriber.address), "state": subscriber.state}
    if suppression:
        value["suppression"] = msgspec.to_builtins(suppression)
    return value


def line(subscriber: Subscriber) -> str:
    """One line of a list."""
    state = "paused" if subscriber.state == "subscribed" and subscriber.paused_until else ""
    return (
        f"{state or subscriber.state:<12} {subscriber.frequency:<7} "
        f"{subscriber.confirmed:%Y-%m-%d} {subscriber.timezone:<20} "
        f"{show_address(subscriber.address)}"
    )


def report_line(report: LineReport) -> str:
    """What became of a line of a file; control characters of the file are shown escaped."""
    address = "".join(c if c.isprintable() else repr(c)[1:-1] for c in report.address)
    text = f"line {report.line}: {_OUTCOMES[report.outcome]}: {address or '(no address)'}"
    return f"{text}. {report.detail}" if report.detail else text


def summarize(reports: Sequence[LineReport], *, dry_run: bool) -> ImportSummary:
    """Count the outcomes."""
    counts = dict(Counter(str(report.outcome) for report in reports))
    parts = [
        f"{counts[outcome]:,} {words}" for outcome, words in _OUTCOMES.items() if outcome in counts
    ]
    text = f"{counted(len(reports), 'line')}: {', '.join(parts) or 'nothing to add'}."
    return ImportSummary(counts, f"{text} Nothing was changed: a dry run." if dry_run else text)
