"""Who sent which events: the token's id beside them on the log, or in the process's log.

Both are for operators. Votes and bookmarks carry no headers, so a line in the process's log gives
their offsets.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import structlog

from projections.private.tokens import Token
from streams.api.ingest.results import Accepted, Rejected, Result, Unknown

log = structlog.get_logger(__name__)


def log_sent(token: Token, results: Sequence[Result]) -> None:
    """Log which events of a request are on the log, and how many are not, or may be."""
    accepted = [result for result in results if isinstance(result, Accepted)]
    log.info(
        "events sent",
        token=token.id,
        role=token.role,
        accepted=len(accepted),
        rejected=sum(isinstance(result, Rejected) for result in results),
        unknown=sum(isinstance(result, Unknown) for result in results),
        at=positions(accepted),
    )


def positions(accepted: Iterable[Accepted]) -> list[str]:
    """Where events are, such as `verdicts.votes.v1/3/1200-1219` for twenty in a row."""
    offsets: dict[str, list[int]] = defaultdict(list)
    for result in accepted:
        if result.offset is not None:
            offsets[f"{result.topic}/{result.partition}"].append(result.offset)
    return [
        f"{partition}/{first}" if first == last else f"{partition}/{first}-{last}"
        for partition, numbers in sorted(offsets.items())
        for first, last in _runs(sorted(numbers))
    ]


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    first = last = numbers[0]
    for number in numbers[1:]:
        if number > last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
