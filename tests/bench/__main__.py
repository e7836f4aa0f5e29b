"""`python -m tests.bench`: how fast it is, beside what people would use instead."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tests.bench.measures import (
    answers,
    freshness,
    ingest,
    mail,
    rebuild,
    site,
    voters,
    votes,
)
from tests.bench.measures.large import category, listing
from tests.bench.stage import Stage, fill, stage
from tests.bench.table import Row, heading, table

RESULTS = Path(__file__).parent / "RESULTS.md"
Part = Callable[[Stage, argparse.Namespace], Iterator[Row]]


def of_votes(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From topic to tally."""
    total = _size(asked, 250_000, 1_000_000)
    fill(here, total, total // 4)
    yield from votes.rows(here, total, total // 4, asked.runs)


def of_rebuild(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From the first event on."""
    total = _size(asked, 200_000, 10_000_000)
    fill(here, total, total // 10)
    yield from rebuild.rows(here, total, total // 10, asked.runs)


def of_ingest(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From request to acknowledgement."""
    yield from ingest.rows(here, _seconds(asked, 3, 20), asked.runs)


def of_answers(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From vote to tally, as voters wait for it."""
    yield from answers.rows(here, _seconds(asked, 3, 20), asked.runs)


def of_freshness(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From vote to page."""
    yield from freshness.rows(here, _seconds(asked, 3, 20), asked.runs)


def of_large_category(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """Votes for many tools of a category, and while these are listed."""
    yield from category.rows(here, _size(asked, 300, 300), _seconds(asked, 5, 20), asked.runs)


def of_listing(_: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """What a tool more takes."""
    shapes = listing.FULL_SHAPES if asked.full else listing.SHAPES
    scaled = [
        (max(categories, int(tools * asked.scale)), categories) for tools, categories in shapes
    ]
    yield from listing.rows(scaled, asked.runs)


def of_site(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From record to page."""
    yield from site.rows(here, max(1, int(50 * asked.scale)), 20, asked.runs)


def of_voters(_: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """What a voter costs."""
    yield from voters.rows([100_000, 1_000_000] if asked.full else [100_000], asked.runs)


def of_mail(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From a digest to its readers."""
    yield from mail.rows(here, _size(asked, 100_000, 100_000), asked.runs)


PARTS: dict[str, Part] = {
    "votes": of_votes,
    "rebuild": of_rebuild,
    "ingest": of_ingest,
    "answers": of_answers,
    "freshness": of_freshness,
    "large-category": of_large_category,
    "listing": of_listing,
    "site": of_site,
    "voters": of_voters,
    "mail": of_mail,
}


def _size(asked: argparse.Namespace, quick: int, full: int) -> int:
    return int((full if asked.full else quick) * asked.scale)


def _seconds(asked: argparse.Namespace, quick: float, full: float) -> float:
    return float(full if asked.full else max(0.5, quick * asked.scale))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long runs")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (5)")
    parser.add_argument(
        "--only", choices=sorted(PARTS), action="append", help="this part, again for more parts"
    )
    parser.add_argument("--json", action="store_true", help="print every figure, for a program")
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: a tenth of the data, to try")
    return parser.parse_args()


def main() -> None:
    """Run the parts asked for, print the table, and keep it when all were run at their size."""
    asked = _asked()
    rows: list[Row] = []
    for name, part in PARTS.items():
        if asked.only and name not in asked.only:
            continue
        began = time.monotonic()
        with stage() as here:
            for row in part(here, asked):
                rows.append(row)
                _progress(table([row]).splitlines()[-1])
        _progress(f"{name}: {time.monotonic() - began:.0f} s")
    text = heading(asked.runs, full=asked.full) + table(rows) + "\n"
    print(msgspec.json.encode(rows).decode() if asked.json else text)
    if not asked.only and asked.scale == 1:
        RESULTS.write_text(text)


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
