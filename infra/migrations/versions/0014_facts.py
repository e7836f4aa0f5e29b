"""Facts of tools and categories, and quick counts of a tool's ballots, in existing generations.

New tables are created after the migrations. Rows that were written before have no facts, as their
events have none.
"""

from alembic import op

revision = "0014"
down_revision = "0013"

SQL = """
do $$
declare
    generation text;
begin
    for generation in
        select name from verdicts.generations
        where to_regclass(quote_ident(name) || '.tools') is not null
    loop
        execute format(
            'alter table %I.categories add column if not exists facts jsonb', generation);
        execute format(
            'alter table %I.tools add column if not exists facts jsonb', generation);
        execute format(
            'create index if not exists ballots_by_tool on %I.ballots (tool)', generation);
        execute format(
            'create index if not exists bookmarks_by_tool on %I.bookmarks (tool)', generation);
    end loop;
end
$$;
"""


def upgrade() -> None:
    """Add columns and indexes to the tables of every generation."""
    op.execute(SQL)
