"""The page on security judges every requirement, and names only files that exist."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "infra/docs/security.md").read_text()
STATES = {"met", "not met", "n/a"}

# How many requirements of the levels 1 and 2 each section of ASVS 5.0 has.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11,
    "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1,
    "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5,
    "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip


class Row(NamedTuple):
    """The judgement on one requirement, or on several of a section."""

    requirements: str
    about: str
    state: str
    reason: str


def rows() -> list[Row]:
    return [
        Row(*(cell.strip() for cell in line.strip("|").split("|")))
        for line in PAGE.splitlines()
        if re.match(r"\| \d+\.\d+\.\d+", line)
    ]


def expand(requirements: str) -> Iterator[str]:
    """Each number of `4.4.1 to 4.4.4`."""
    first, _, last = requirements.partition(" to ")
    section, _, begin = first.rpartition(".")
    end = last.rpartition(".")[2] or begin
    yield from (f"{section}.{number}" for number in range(int(begin), int(end) + 1))


def test_every_requirement_is_judged_once() -> None:
    judged = Counter(number for row in rows() for number in expand(row.requirements))
    wanted = {f"{section}.{n + 1}" for section, count in SECTIONS.items() for n in range(count)}
    assert judged == Counter(wanted)
    assert f"The {len(wanted)} requirements" in PAGE


def test_every_judgement_has_a_reason() -> None:
    for row in rows():
        assert row.state in STATES, row
        assert row.reason, row


def test_every_file_that_it_names_exists() -> None:
    folders = "schemas|infra|projections|streams|publishers|tests"
    named = re.findall(rf"`((?:{folders})/[\w./-]*|README\.md|SECURITY\.md|Makefile)`", PAGE)
    linked = re.findall(r"\]\(([\w./-]+)\)", PAGE)
    assert len(named) > 100
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [link for link in linked if not (ROOT / "infra/docs" / link).exists()] == []


def test_what_is_met_names_where() -> None:
    """A file, a page of ours, a section of this page, or a sentence on what does not exist."""
    met = [row for row in rows() if row.state == "met"]
    assert len(met) > 120
    assert sum("`" in row.reason or '" above' in row.reason for row in met) >= len(met) - 8


def test_readme_and_security_policy_link_it() -> None:
    for file in ("README.md", "SECURITY.md"):
        assert "(infra/docs/security.md)" in (ROOT / file).read_text()
