"""What listing tools takes the publisher, by how many there are: it has to be linear."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.bench.measures.freshness import age
from tests.bench.measures.large.category import listings, slugs_of
from tests.bench.services import RUN_SECONDS, Memory, running
from tests.bench.stage import Stage, put, stage
from tests.bench.table import Row
from tests.harness.waiting import wait_until

SHAPES = [(300, 1), (1_000, 10)]
FULL_SHAPES = [*SHAPES, (10_000, 100)]
"""Tools, and categories."""
WITHIN = 1 / 1.5
IDLE_TOOLS = 1
"""The publisher's memory is compared without what it takes with so few tools."""


def rows(shapes: list[tuple[int, int]], runs: int) -> Iterator[Row]:
    """List tools of each shape on an empty site, and compare what a tool takes with the first."""
    figures = {shape: [_listed(*shape) for _ in range(runs)] for shape in shapes}
    first = shapes[0]
    for tools, categories in shapes:
        what = f"listing {tools:,} tools in {categories} categories until all pages are stored"
        peer = "" if (tools, categories) == first else f"{first[0]} tools"
        for at, (name, unit) in enumerate(
            (("time", "ms"), ("files", "files"), ("publisher's memory", "KB"))
        ):
            yield Row(
                what=f"{what}: {name} per tool", peer=peer, unit=unit,
                ours=[each[at] for each in figures[tools, categories]],
                theirs=[each[at] for each in figures[first]] if peer else [],
                ratio=WITHIN if peer else None, more_is_better=False,
            )  # fmt: skip


def _listed(tools: int, categories: int) -> tuple[float, float, float]:
    """Milliseconds, files and kilobytes per tool, on servers that hold no others."""
    with stage() as servers:
        return _measured(servers, tools, categories)


def _measured(servers: Stage, tools: int, categories: int) -> tuple[float, float, float]:
    environment = servers.migrated()
    site = Path(environment["VERDICTS_DATA"]) / "site"
    with (
        running(["infra.cli", "worker"], environment),
        running(["infra.cli", "publisher"], environment) as publisher,
        Memory(publisher.pid) as memory,
        psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection,
    ):
        wait_until("the site stands", lambda: (site / "sitemap.xml").exists(), seconds=RUN_SECONDS)
        _list(servers, "first", IDLE_TOOLS, site, connection)
        idle, files, began = memory.peak, _files(site), time.monotonic()
        names = [f"of-{number}" for number in range(categories)]
        for name in names:
            put(servers, listings(name, tools // categories))
        _wait(site, [slugs_of(name, tools // categories)[-1] for name in names], connection)
        seconds = time.monotonic() - began
        kilobytes = 1000 * (memory.peak - idle)
    return 1000 * seconds / tools, (_files(site) - files) / tools, kilobytes / tools


def _list(
    servers: Stage, category: str, tools: int, site: Path, connection: psycopg.Connection
) -> None:
    put(servers, listings(category, tools))
    _wait(site, slugs_of(category, tools)[-1:], connection)


def _wait(site: Path, slugs: list[str], connection: psycopg.Connection) -> None:
    for slug in slugs:
        page = site / "tools" / slug / "index.html"
        wait_until(f"{slug} has a page", page.exists, seconds=RUN_SECONDS)
    wait_until("no page is dirty", lambda: age(connection) is None, seconds=RUN_SECONDS)


def _files(site: Path) -> int:
    return sum(1 for path in site.rglob("*") if path.is_file())
