"""Words and class names that the code no longer uses, or uses once."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("infra", "projections", "publishers", "schemas", "streams")
DOCS = [ROOT / "README.md", *sorted((ROOT / "infra/docs").rglob("*.md"))]

# Each former word with the one that took its place: a word has one meaning, and the field's.
RETIRED = {
    "bearers": "token lookup",
    "booth": "vote service",
    "buried": "dead letter written",
    "crew": "mail connection pool",
    "disturbed": "hooked site files",
    "errand": "throttled job",
    "funeral": "dead letter sink",
    "hearsay": "change hints",
    "insects": "tools in one category",
    "keeper": "supervisor",
    "kin": "similar tools",
    "kinship": "similar tools",
    "lineup": "multi comparison",
    "machines": "machine-readable formats",
    "morgue": "dead letter sink",
    "patience": "fetch settings, or seconds of a wait",
    "redelivery": "replay of dead letters",
    "shelf": "category",
    "standpoint": "vote response",
    "stock": "content cache",
    "turns": "leader election",
    "twin": "alternate",
    "twins": "alternates",
}


# Locals and parameters say what they hold, not how that was got.
VAGUE = {"desk", "found", "held", "it", "its", "kept", "mine", "place", "said", "told"}


@cache
def modules(*packages: str) -> dict[str, ast.Module]:
    """The syntax trees of some packages, by file."""
    return {
        str(file.relative_to(ROOT)): ast.parse(file.read_text())
        for package in packages
        for file in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def identifiers() -> dict[str, set[str]]:
    """Each word of an identifier in the packages and tests, with the files that use it."""
    words: dict[str, set[str]] = defaultdict(set)
    for file, tree in {**modules(*PACKAGES), **modules("tests")}.items():
        for name in {*names(tree)}:
            for word in re.findall(r"[A-Z]?[a-z]+", name):
                words[word.lower()].add(file)
    return words


def names(tree: ast.AST) -> Iterator[str]:
    """The identifiers of a module, but for the sentences that name tests."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("test_"):
                    yield name


@pytest.mark.parametrize("word", sorted(RETIRED))
def test_no_identifier_uses_a_retired_word(word: str) -> None:
    users = sorted(identifiers().get(word, set()))
    assert users == [], f"the word now is: {RETIRED[word]}"


@pytest.mark.parametrize("word", sorted(RETIRED))
def test_no_document_uses_a_retired_word(word: str) -> None:
    users = [
        file.name for file in DOCS if re.search(rf"\b{word}\b", file.read_text(), re.IGNORECASE)
    ]
    assert users == [], f"the word now is: {RETIRED[word]}"


def test_locals_and_parameters_say_what_they_hold() -> None:
    vague = [
        f"{file}:{line} {name}"
        for file, tree in {**modules(*PACKAGES), **modules("tests")}.items()
        for name, line in variables(tree)
        if name in VAGUE
    ]
    assert vague == []


def variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The variables and parameters of a module with their lines, without fields of classes."""
    nodes = list(ast.walk(tree))
    fields = {
        id(statement.target)
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                if id(node) not in fields:
                    yield name, node.lineno


def test_a_class_name_is_defined_once() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for file, tree in modules(*PACKAGES).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                defined[node.name].append(file)
    assert {name: files for name, files in defined.items() if len(files) > 1} == {}
