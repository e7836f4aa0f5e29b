"""Findings of `verdicts doctor` on a reader that has lost its place on the log."""

from collections.abc import Iterable

from infra.cli.doctor.finding import Finding


def astray(findings: Iterable[Finding]) -> list[Finding]:
    return [
        finding
        for finding in findings
        if finding.check in ("offsets", "topic ids") and finding.verdict != "ok"
    ]
