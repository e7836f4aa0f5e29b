"""`make sbom`, `make audit`, and how a vulnerability is reported."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
LOCKS = ("requirements.txt", "tests/requirements.txt", "infra/deploy/audit/requirements.txt")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_names_no_host(lock: str) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    assert any("--hash=sha256:" in line for line in lines)
    assert not [line for line in lines if "://" in line or "index" in line.partition("==")[2]]


def test_every_target_is_listed_in_the_help() -> None:
    (phony,) = re.findall(r"^\.PHONY: help (.+)$", MAKEFILE, re.MULTILINE)
    listed = re.findall(r'@echo "make (\w+) ', MAKEFILE)
    assert listed == phony.split()


def test_an_audit_without_a_network_says_that_nothing_was_compared() -> None:
    assert "cannot be reached, so nothing was compared" in MAKEFILE


def test_the_security_policy_says_how_to_report_and_what_follows() -> None:
    policy = (ROOT / "SECURITY.md").read_text()
    headings = re.findall(r"^## (.+)$", policy, re.MULTILINE)
    assert headings[:3] == ["Report a vulnerability", "What to expect", "Supported versions"]
    assert re.search(r"within \d+ days", policy)
