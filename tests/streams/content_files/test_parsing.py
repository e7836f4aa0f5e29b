"""What an editor writes becomes an event, or all that is wrong with it, with lines."""

import time

import pytest

from schemas.events import ReviewSubmitted, ToolListed
from schemas.facts.values import Fact, Money
from schemas.time import instants
from streams.content_files.checks import check_folder
from streams.content_files.format.parsing import parse_file
from streams.content_files.markdown_checks import find_raw_markdown
from streams.content_files.model import FileProblem

TOOL = """---
name: Yes
category: coding-agents
tagline: "A: b"
pricing: Free
entry: free
---

It *works*.
"""
REVIEW = """---
score: 88
verdict: ship
pros:
  - Fast
---
I like it.
"""


def problems(path: str, text: str) -> list[str]:
    parsed = parse_file(path, text)
    assert (parsed.file is None) == bool(parsed.problems)
    return list(map(str, parsed.problems))


def test_a_tool_is_read_from_keys_and_text() -> None:
    parsed = parse_file("tools/a.md", TOOL)
    assert parsed.file
    assert parsed.file.data == ToolListed(
        tool="a", name="Yes", category="coding-agents", tagline="A: b", description="It *works*.",
        pricing="Free", entry="free",
    )  # fmt: skip
    assert parsed.file.lines["description"] == 9


def test_a_review_is_named_by_its_folder_and_file() -> None:
    parsed = parse_file("reviews/a/builder.md", REVIEW)
    assert parsed.file
    assert parsed.file.data == ReviewSubmitted("a", "builder", 88, "ship", "I like it.", ("Fast",))


def test_every_error_comes_at_once_with_its_line() -> None:
    text = (
        "---\nnam: X\ncategory: Coding Agents\ntagline: t\npricing: [a]\nentry: gratis\n"
        "url: ftp://x\npublish: tomorrow\ndraft: maybe\n---\n"
    )
    assert sorted(problems("tools/a.md", text)) == [
        "tools/a.md:1: description: the text below the second --- is missing",
        "tools/a.md:1: name: it is missing",
        "tools/a.md:2: nam: there is no such key; did you mean name?",
        "tools/a.md:3: category: 'Coding Agents' is not a slug: lower-case letters and digits in "
        'words joined by single hyphens, at most 80 characters, no word of which is "vs"',
        "tools/a.md:5: pricing: expected a text, not a list",
        "tools/a.md:6: entry: 'gratis' is none of free, freemium, paid",
        "tools/a.md:7: url: 'ftp://x' is not an http or https address",
        "tools/a.md:8: publish: expected a time with its offset, such as 2026-12-01T09:00:00+01:00",
        "tools/a.md:9: draft: expected true or false",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("88", "101"), "2: score: expected a whole number from 0 to 100, not '101'"),
        (("88", "high"), "2: score: 'high' is not a whole number from 0 to 100"),
        (("88", "8.5"), "2: score: '8.5' is not a whole number from 0 to 100"),
        (("ship", "Ship"), "3: verdict: 'Ship' is none of ship, skip"),
        (("\n  - Fast", " Fast"), "4: pros: expected a list, not the text 'Fast'"),
        (("- Fast", '- Fast\n  - ""'), "6: pros, entry 2: the text is empty"),
        (("- Fast", "- " + "x" * 2001), "5: pros, entry 1: the text has 2,001 characters, and at "
         "most 2,000 are allowed"),
        (("score: 88\n", ""), "1: score: it is missing"),
        (("score: 88", "score: 88\nscore: 9"), "3: score: the key is there twice"),
        (("score: 88", "score: 88\ntool: x"), "3: tool: the file's name says this already; remove "
         "the key"),
        (("verdict: ship", "verdict: ship: x"), "3: this is not YAML: mapping values are not "
         "allowed in this context; quote texts with : or #"),
        (("verdict: ship", "verdict: &a ship\ndisclosure: *a"), None),
        (("- Fast", "- &a [*a]"), "5: anchors (&, *) and deep nesting are not supported"),
        (("I like it.", ""), "1: body: the text below the second --- is missing"),
        (("---\nI like", "body: x\n---\nI like"), "8: body: it is both a key and the text below; "
         "keep one of them"),
        (("---\nscore", "score"), "1: the file must begin with front matter: a line ---, keys, and "
         "a line --- again"),
    ],
)  # fmt: skip
def test_each_error_is_said_in_an_editors_words(
    change: tuple[str, str], problem: str | None
) -> None:
    found_problems = problems("reviews/a/b.md", REVIEW.replace(*change, 1))
    if problem is None:
        assert found_problems == []
    else:
        assert [each for each in found_problems if problem in each], found_problems


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("tools/Big.md", "the name 'Big' is no slug"),
        ("tools/a-vs-b.md", "the name 'a-vs-b' is no slug"),
        ("tools/deep/a.md", "this is no place for a file"),
        ("reviews/a.md", "this is no place for a file"),
    ],
)
def test_a_file_in_the_wrong_place_is_told_where_files_belong(path: str, problem: str) -> None:
    (line,) = problems(path, TOOL)
    assert problem in line


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing() -> None:
    one = parse_file("tools/a.md", TOOL).file
    other = parse_file("tools/a.md", "\ufeff" + TOOL.replace("\n", "\r\n")).file
    assert one
    assert other
    assert one.data == other.data


def test_a_draft_and_a_time_to_publish_keep_a_file_home() -> None:
    draft = parse_file("tools/a.md", TOOL.replace("name", "draft: yes\nname")).file
    later = "publish: 2026-12-01T09:00:00+01:00\nname"
    timed = parse_file("tools/a.md", TOOL.replace("name", later)).file
    eight = instants.parse("2026-12-01T08:00:00Z")
    assert draft
    assert timed
    assert not draft.is_due(eight)
    assert [timed.is_due(eight - 1), timed.is_due(eight)] == [False, True]


def test_unknown_references_come_with_the_slug_that_may_be_meant() -> None:
    checked = check_folder(
        {
            "categories/coding-agents.md": "---\nname: Coding\n---\nAgents.\n",
            "tools/cursor.md": TOOL.replace("coding-agents", "coding-agent"),
            "reviewers/builder.md": "---\nname: B\nmotto: Builds.\nposition: 1\n---\n",
            "reviews/cursr/builder.md": REVIEW,
        }
    )
    assert list(map(str, checked.problems)) == [
        "reviews/cursr/builder.md:1: tool: there is no tool 'cursr'; did you mean 'cursor'?",
        "tools/cursor.md:3: category: there is no category 'coding-agent'; did you mean "
        "'coding-agents'?",
    ]


def test_a_file_with_errors_brings_no_errors_of_others() -> None:
    checked = check_folder({"tools/a.md": "no front matter", "reviews/a/b.md": REVIEW})
    assert [problem.path for problem in checked.problems] == ["reviews/a/b.md", "tools/a.md"]
    assert "reviewer 'b'" in checked.problems[0].detail


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Fine: *a* **b** `<i>` [c](https://d.example)\n\n- one\n- two\n\n```\n# code\n```", []),
        ("1 < 2, a > b, 3 * 4, a_b_c, C#, a|b", []),
        ("# Title", [(0, "a heading")]),
        ("a\n\n| b | c |\n|---|---|\n| 1 | 2 |", [(2, "a table")]),
        ("a <b>bold</b>", [(0, "HTML"), (0, "HTML")]),
        ("one\ntwo ![p](https://x.example/p.png)", [(1, "a picture")]),
        ("> quoted", [(0, "a quotation (>)")]),
        ("a\n\n---\n\nb", [(2, "a horizontal line")]),
        ("~~no~~", [(0, "text struck through (~~)")]),
        ("[a](/tools/b/)", [(0, "a link to '/tools/b/', which is no web address")]),
        ("<https://a.example>", [(0, "an address in <>; write [text](https://…)")]),
        ("[a][b]\n\n[b]: https://c.example",
         [(2, "a link by reference; write [text](https://…)")]),
    ],
)  # fmt: skip
def test_markdown_that_readers_would_see_raw_is_named(
    text: str, names: list[tuple[int, str]]
) -> None:
    assert list(find_raw_markdown(text)) == names


def test_raw_markdown_is_a_warning_at_its_line() -> None:
    checked = check_folder({"categories/a.md": "---\nname: A\n---\n\nfine\n\n# Title\n"})
    assert checked.problems == [
        FileProblem(
            "categories/a.md", 7, "warning",
            "description: readers would see this as raw text: a heading",
        )
    ]  # fmt: skip
    assert checked.errors == []


def test_a_thousand_files_are_checked_in_under_two_seconds() -> None:
    contents = {"categories/coding-agents.md": "---\nname: Coding\n---\nAgents.\n"}
    contents |= {f"tools/tool-{number}.md": TOOL for number in range(1_000)}
    begin = time.process_time()
    assert check_folder(contents).problems == []
    assert time.process_time() - begin < 2


FACTS = """facts:
  context: {value: 128_000, source: "https://a.example", as_of: 2026-11-20}
  open: {value: yes}
  price:
    value: {amount: 20.00, currency: USD, per: month}
  licence: {value: "1.0"}
---
"""
CATEGORY_WITH_FACTS = """---
name: Coding
facts:
  - {key: context, label: Context, type: number, unit: tokens, better: more}
  - {key: open, label: Open, type: yes-no}
  - {key: price, label: Price, type: money}
  - {key: licence, label: Licence, type: text}
---
Agents.
"""


def with_facts(facts: str) -> str:
    return TOOL.replace("entry: free\n---\n", f"entry: free\n{facts}")


def test_facts_are_numbers_texts_yes_or_no_and_money() -> None:
    checked = check_folder(
        {"categories/coding-agents.md": CATEGORY_WITH_FACTS, "tools/a.md": with_facts(FACTS)}
    )
    assert checked.problems == []
    data = checked.files["tools/a.md"].data
    assert isinstance(data, ToolListed)
    assert data.facts == {
        "context": Fact(128_000, "https://a.example", "2026-11-20"),
        "open": Fact(True),
        "price": Fact(Money("20.00", "USD", "month")),
        "licence": Fact("1.0"),
    }


def test_every_wrong_fact_is_said_at_its_line() -> None:
    wrong = FACTS.replace("2026-11-20", "2026-13-01").replace("USD", "usd")
    wrong = wrong.replace("{value: yes}", "yes")
    assert problems("tools/a.md", with_facts(wrong)) == [
        "tools/a.md:8: facts.context.as_of: '2026-13-01' is not a date such as 2026-11-20",
        "tools/a.md:9: facts.open: expected keys with values below it, not the text 'yes'",
        "tools/a.md:11: facts.price.value.currency: expected a currency's code of three capital "
        "letters, such as USD",
    ]


def test_a_fact_that_no_page_shows_is_a_warning() -> None:
    facts = with_facts("facts:\n  context: {value: much}\n  speed: {value: 1}\n---\n")
    checked = check_folder(
        {"categories/coding-agents.md": CATEGORY_WITH_FACTS, "tools/a.md": facts}
    )
    assert list(map(str, checked.problems)) == [
        "tools/a.md:8: warning: facts.context.value: Its category expects a number, so no page "
        "shows it.",
        "tools/a.md:9: warning: facts.speed: The category names no fact 'speed', so no page shows "
        "it.",
    ]
