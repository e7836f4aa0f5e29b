import re
from pathlib import Path

GLOSSARY = Path(__file__).parents[3] / "infra" / "docs" / "glossary.md"


def test_each_term_has_one_line_and_the_lines_are_in_alphabetical_order() -> None:
    terms = re.findall(r"^\| ([a-z ]+) \| \S", GLOSSARY.read_text(), re.MULTILINE)[1:]
    assert len(terms) > 30
    assert terms == sorted(set(terms))
