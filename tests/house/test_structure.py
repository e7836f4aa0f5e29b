"""Folders stay small enough to see whole, and each says what it holds."""

import ast
from pathlib import Path

import pytest

from tests.harness.distribution import LONG

ROOT = Path(__file__).parents[2]
PACKAGES = ("infra", "projections", "publishers", "schemas", "streams")
MOST_MODULES = 8
# Alembic runs its files by path, one for each revision, however many there are.
NO_PACKAGES = {"infra/migrations/versions"}
FOLDERS = sorted(
    str(folder.relative_to(ROOT))
    for package in PACKAGES
    for folder in (ROOT / package, *(ROOT / package).rglob("*"))
    if folder.is_dir() and any(folder.glob("*.py"))
)


@pytest.mark.parametrize("folder", sorted({*FOLDERS} - NO_PACKAGES))
def test_a_folder_says_what_it_holds(folder: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text()))


@pytest.mark.parametrize("folder", sorted({*FOLDERS} - NO_PACKAGES))
def test_a_folder_holds_few_loose_modules(folder: str) -> None:
    modules = {file.stem for file in (ROOT / folder).glob("*.py")} - {"__init__", "__main__"}
    assert len(modules) <= MOST_MODULES, sorted(modules)


def test_what_is_rendered_is_cached_in_one_place() -> None:
    """Each cache of its own would bring a bound and a lifetime of its own."""
    caching = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "publishers").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "functools"
        if {"cache", "lru_cache"} & {name.name for name in node.names}
    ]
    assert caching == ["publishers/render_cache.py"]


def test_migrations_make_one_chain_that_their_file_names_follow() -> None:
    for number, file in enumerate(sorted((ROOT / "infra/migrations/versions").glob("*.py")), 1):
        before = f'"{number - 1:04}"' if number > 1 else "None"
        assert file.name.startswith(f"{number:04}_"), file.name
        assert f'\nrevision = "{number:04}"\ndown_revision = {before}\n' in file.read_text()


def test_each_test_file_with_a_place_in_the_order_exists() -> None:
    """A renamed one would be taken up late, and start a system of its own."""
    assert [file for file in LONG if not (ROOT / file).is_file()] == []
