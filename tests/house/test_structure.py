"""Folders stay small enough to see whole, and each says what it holds."""

import ast
from pathlib import Path

import pytest

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
