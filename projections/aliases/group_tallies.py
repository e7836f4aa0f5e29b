"""Tallies of tools with other names: a voter counts once, with the newest choice of all names.

`tallies` counts the ballots of each name by itself, so it needs no change when names do.
`group_tallies` has a row for each tool with other names. A vote moves the row by the difference
between the voter's newest ballot before and after; a change of names counts it anew. A voter's
ballots are on one partition, so no other transaction changes them meanwhile.
"""

# ruff: noqa: S608 - statements are put together from constants

from collections.abc import Collection

from infra.postgres.statement_pipeline import Statements

# Across names the law compares time, id, then the bytes of the data: the tool before what the types
# of two events of one bookmark decide. The stamp of a bookmark ends in its type alone.
_BOOKMARK_RANK = """
    substring({row}.stamp for octet_length({row}.stamp) - case when {row}.kept then 14 else 16 end)
    || convert_to({row}.tool, 'UTF8')
    || decode(case when {row}.kept then '0000' else '0001' end, 'hex')"""


def bookmark_rank(row: str) -> str:
    """Write the expression that orders the bookmarks of one reader for all names of a tool."""
    return _BOOKMARK_RANK.format(row=row)


# Follows the statement's `changed`. A lateral query for each voter, since ballots are too many for
# any plan but the one by their key.
_DELTAS = """, renamed as (
    select aliases.tool, changed.voter, changed.{value}, {rank_of_changed} as rank
    from changed join aliases on aliases.alias = changed.tool
), before as materialized (
    select voters.tool, voters.voter, newest.{value}, newest.rank
    from (select distinct tool, voter from renamed) as voters
    cross join lateral (
        select stored.{value}, {rank_of_stored} as rank
        from aliases
        join {table} as stored on stored.tool = aliases.alias and stored.voter = voters.voter
        where aliases.tool = voters.tool
        order by rank desc limit 1
    ) as newest
), after as (
    select distinct on (tool, voter) tool, voter, {value}
    from (select * from before union all select * from renamed) as candidates
    order by tool, voter, rank desc
), group_deltas as (
    select after.tool, {sums}
    from after left join before using (tool, voter) group by after.tool
)
"""
BALLOT_DELTAS = _DELTAS.format(
    table="ballots",
    value="choice",
    rank_of_changed="changed.stamp",
    rank_of_stored="stored.stamp",
    sums="""
        sum((after.choice = 1)::int - coalesce((before.choice = 1)::int, 0)) as ship,
        sum((after.choice = 2)::int - coalesce((before.choice = 2)::int, 0)) as skip,
        0 as bookmarks""",
)
"""Names the rows `group_deltas`: how ballots in `changed` move tallies of tools with aliases."""
BOOKMARK_DELTAS = _DELTAS.format(
    table="bookmarks",
    value="kept",
    rank_of_changed=bookmark_rank("changed"),
    rank_of_stored=bookmark_rank("stored"),
    sums="""
        0 as ship, 0 as skip,
        sum(after.kept::int - coalesce(before.kept::int, 0)) as bookmarks""",
)
"""The same of the bookmarks in `changed`."""
ADD = """
insert into group_tallies (tool, ship, skip, bookmarks)
select tool, ship, skip, bookmarks from group_deltas
where (ship, skip, bookmarks) <> (0, 0, 0) order by tool collate "C"
on conflict (tool) do update set
    ship = group_tallies.ship + excluded.ship,
    skip = group_tallies.skip + excluded.skip,
    bookmarks = group_tallies.bookmarks + excluded.bookmarks
"""
"""Adds `group_deltas` to the tallies."""
LOCK = """
select from group_tallies
where tool in (select tool from aliases where alias = any(%(tools)s)) order by tool for update
"""

# Enough memory to hash 100,000 voters, which is quicker than to sort them.
_MORE_MEMORY = (
    "select set_config('work_mem', '64MB', true) as memory, set_config('jit', 'off', true)"
)
# The last byte of a ballot's stamp is its choice, and that of a bookmark's rank says whether it is
# kept, so the greatest of each voter is all that is needed.
_COUNT_ANEW = f"""
with gone as (
    delete from group_tallies where tool = any(%(tools)s)
        and not exists (select from aliases where aliases.tool = group_tallies.tool)
), names as (select alias, tool from aliases where tool = any(%(tools)s)),
newest_ballots as (
    select names.tool, max(ballots.stamp) as stamp
    from names join ballots on ballots.tool = names.alias group by names.tool, ballots.voter
), votes as (
    select tool,
        count(*) filter (where get_byte(stamp, octet_length(stamp) - 1) = 1) as ship,
        count(*) filter (where get_byte(stamp, octet_length(stamp) - 1) = 2) as skip
    from newest_ballots group by tool
), newest_bookmarks as (
    select names.tool, max({bookmark_rank("stored")}) as rank
    from names join bookmarks as stored on stored.tool = names.alias
    group by names.tool, stored.voter
), saves as (
    select tool, count(*) filter (where get_byte(rank, octet_length(rank) - 1) = 0) as bookmarks
    from newest_bookmarks group by tool
)
insert into group_tallies (tool, ship, skip, bookmarks)
select tool, coalesce(ship, 0), coalesce(skip, 0), coalesce(bookmarks, 0)
from (select distinct tool from names) as tools
left join votes using (tool) left join saves using (tool)
on conflict (tool) do update set
    ship = excluded.ship, skip = excluded.skip, bookmarks = excluded.bookmarks
"""


def recount(connection: Statements, tools: Collection[str]) -> None:
    """Count the tallies of those of these tools that have other names, and drop those of the rest.

    Takes as long as the ballots of these tools take to read and sort: 0.3 s for 100,000.
    """
    if tools:
        connection.exec_driver_sql(_MORE_MEMORY)
        connection.exec_driver_sql(_COUNT_ANEW, {"tools": sorted(tools)})
