"""`python -m tests.bench`: how fast it is, beside what people would use instead."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import votes
from tests.bench.stage import Stage, fill, stage
from tests.bench.table import Row, heading, table

RESULTS = Path(__file__).parent / "RESULTS.md"
Part = Callable[[Stage, argparse.Namespace], Iterator[Row]]


def of_votes(here: Stage, asked: argparse.Namespace) -> Iterator[Row]:
    """From topic to tally."""
    total = 1_000_000 if asked.full else 200_000
    fill(here, total, total // 4)
    yield from votes.rows(here, total, total // 4, asked.runs)
    yield votes.two_workers(here, total, total // 4, asked.runs)


PARTS: dict[str, Part] = {"votes": of_votes}


def main() -> None:
    """Run the parts asked for, print the table, and keep it when all were run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the long runs too")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (5)")
    parser.add_argument("--only", choices=sorted(PARTS), help="one part alone; keeps no results")
    asked = parser.parse_args()
    found: list[Row] = []
    for name, part in PARTS.items():
        if asked.only in (None, name):
            print(f"{name} …", file=sys.stderr, flush=True)
            with stage() as here:
                for row in part(here, asked):
                    found.append(row)
                    print(table([row]).splitlines()[-1], file=sys.stderr, flush=True)
    text = heading(asked.runs, full=asked.full) + table(found) + "\n"
    print(text)
    if asked.only is None:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
