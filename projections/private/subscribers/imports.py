"""Adds subscribers who gave consent elsewhere; who left or is suppressed is never added again."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import msgspec
from sqlalchemy import Connection, text

from projections.private.subscribers.addresses import CheckedAddress
from projections.private.subscribers.csv_files import ConsentedRow, LineReport

CHUNK = 1_000
"""Lines that are looked up and inserted together."""

_PRESENT = text(
    "select id, unsubscribed is not null from verdicts.subscribers where id = any(:ids)"
)
_SUPPRESSED = text("select id, reason from verdicts.suppressions where id = any(:ids)")
_INSERT = text(
    """
    insert into verdicts.subscribers (
        id, address, canonical, frequency, topics, timezone, requested, confirmed, consent_source
    ) values (
        :id, :address, :canonical, :frequency, :topics, :timezone, :consented, :consented, :source
    ) on conflict do nothing
    """
)


def import_rows(
    connection: Connection,
    rows: Iterable[ConsentedRow | LineReport],
    id_of: Callable[[CheckedAddress], str],
) -> Iterator[LineReport]:
    """Add the rows, and report on every line in order.

    Args:
        connection: In a transaction; a dry run rolls it back.
        rows: Checked lines; reports among them are passed on.
        id_of: Computes the id of an address.
    """
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        yield from _import_chunk(connection, chunk, id_of)


def _import_chunk(
    connection: Connection,
    chunk: Sequence[ConsentedRow | LineReport],
    id_of: Callable[[CheckedAddress], str],
) -> list[LineReport]:
    ids = {row.line: id_of(row.address) for row in chunk if isinstance(row, ConsentedRow)}
    parameters = {"ids": list(ids.values())}
    present: dict[str, bool] = dict(map(tuple, connection.execute(_PRESENT, parameters)))
    suppressed: dict[str, str] = dict(map(tuple, connection.execute(_SUPPRESSED, parameters)))
    reports, added = [], []
    for row in chunk:
        report = row if isinstance(row, LineReport) else _judge(row, ids, present, suppressed)
        reports.append(report)
        if isinstance(row, ConsentedRow) and report.outcome == "added":
            added.append(_values(row, ids[row.line]))
    if added:
        connection.execute(_INSERT, added)
    return reports


def _judge(
    row: ConsentedRow, ids: dict[int, str], present: dict[str, bool], suppressed: dict[str, str]
) -> LineReport:
    subscriber_id, address = ids[row.line], row.address.typed
    if reason := suppressed.get(subscriber_id):
        return LineReport(row.line, address, "suppressed", f"It gets no mail: {reason}.")
    if subscriber_id not in present:
        return LineReport(row.line, address, "added")
    if present[subscriber_id]:
        return LineReport(row.line, address, "unsubscribed", "Only its owner can subscribe again.")
    return LineReport(row.line, address, "present", "It has a subscription.")


def _values(row: ConsentedRow, subscriber_id: str) -> dict[str, object]:
    return msgspec.structs.asdict(row.preferences) | {
        "id": subscriber_id,
        "address": row.address.typed,
        "canonical": row.address.canonical,
        "topics": list(row.preferences.topics),
        "consented": row.consented,
        "source": row.source,
    }
