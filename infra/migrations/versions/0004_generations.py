"""Generations of projections: their list, and how a transaction enters the live one."""

from alembic import op

revision = "0004"
down_revision = "0003"

# The lock's key is `infra.postgres.engine.GENERATION_LOCK`. Inside a function each statement sees
# what was committed before it, so the pointer is read after the lock is acquired.
SQL = """
create table verdicts.generations (
    name    text primary key,
    created timestamptz not null default now()
);
alter table verdicts.generation add former text;
insert into verdicts.generations (name) select live from verdicts.generation;

create function verdicts.follow(followed text) returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(1734700658);
    if exists (select from verdicts.generation where live = followed) then
        raise exception 'generation % is the live one now', followed using errcode = 'VG001';
    end if;
end
$$;

create function verdicts.enter() returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(1734700658);
    perform set_config('search_path', quote_ident(live) || ', verdicts', true)
    from verdicts.generation;
end
$$;
"""


def upgrade() -> None:
    """Create the list of generations, and the functions that enter or follow one."""
    op.execute(SQL)
