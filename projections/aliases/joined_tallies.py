"""Tallies of some earlier moment, when tools that have one tally now had one each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from projections import tables

Counts = Sequence[int]
"""Ships, skips, bookmarks."""
_NAMES = (
    select(
        tables.aliases.c.tool,
        tables.aliases.c.alias,
        *(tables.tallies.c[name] for name in ("ship", "skip", "bookmarks")),
        *(tables.group_tallies.c[name] for name in ("ship", "skip", "bookmarks")),
    )
    .outerjoin(tables.tallies, tables.tallies.c.tool == tables.aliases.c.alias)
    .outerjoin(tables.group_tallies, tables.group_tallies.c.tool == tables.aliases.c.tool)
)


class _Name(NamedTuple):
    """A name of a tool, its own ballots counted, and those of all names counted once per voter."""

    name: str
    own: Counts
    group: Counts


def join_names(connection: Connection, earlier: Mapping[str, Counts]) -> dict[str, Counts]:
    """Add the earlier tallies of a tool's other names to its own.

    After a merge, each voter counts once, even with votes for two of the names. An earlier
    tally does not say which voters had done so by then, so each of them counts once in it, too.
    Otherwise the merge would look like a loss of votes.
    """
    joined = dict(earlier)
    for tool, names in _read_names(connection).items():
        tallies = [joined.pop(each.name) for each in names if each.name in joined]
        if tallies:
            joined[tool] = _without(_sum(tallies), _counted_twice(names, earlier))
    return joined


def _read_names(connection: Connection) -> dict[str, list[_Name]]:
    names: dict[str, list[_Name]] = defaultdict(list)
    for tool, name, *counts in connection.execute(_NAMES):
        numbers = [count or 0 for count in counts]
        names[tool].append(_Name(name, numbers[:3], numbers[3:]))
    return names


def _counted_twice(names: Sequence[_Name], earlier: Mapping[str, Counts]) -> Counts:
    """What the names of a tool count more in sum than together.

    Nothing where one of them has votes and no earlier tally: it was another's name then already.
    """
    if any(any(each.own) and each.name not in earlier for each in names):
        return (0, 0, 0)
    if sum(any(earlier.get(each.name, ())) for each in names) < 2:
        return (0, 0, 0)
    return _without(_sum(each.own for each in names), names[0].group)


def _sum(tallies: Iterable[Counts]) -> Counts:
    return [sum(numbers) for numbers in zip(*tallies, strict=True)]


def _without(counts: Counts, others: Counts) -> Counts:
    return [max(0, count - other) for count, other in zip(counts, others, strict=True)]
