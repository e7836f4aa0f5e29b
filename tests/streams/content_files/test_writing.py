"""What is written to a file is read from it again, whatever the texts are."""

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from schemas.facts.values import Fact, Money
from schemas.text.new_texts import broken_rule
from streams.content_files.format.parsing import parse_file
from streams.content_files.format.writing import write_file
from streams.content_files.model import path_of

texts = st.text(min_size=1, max_size=60).filter(
    lambda text: ("\x00" not in text and text.isprintable()) or "\n" in text
)
tricky = st.sampled_from(
    ["yes", "null", "~", "1.0", "2026-01-01", "- a", "a: b", "a #b", "'q'", '"q"', "a\n---\nb",
     "---", " spaces ", "tab\there", "é 漢字 🦆", "\u2028", "# h", "|", ">", "*a", "&a", "!t", "%",
     "@", "a\r\nb", "\n", "{}", "[]", "k:", "\ufeff", "x\n\n\n"]
)  # fmt: skip
some_text = st.one_of(texts, tricky)
slugs = st.sampled_from(["alpha", "b-2", "gamma"])
facts = st.just(UNSET) | st.dictionaries(
    st.sampled_from(["context", "open", "price"]),
    st.builds(
        Fact,
        value=st.one_of(
            st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), some_text,
            st.lists(some_text, min_size=1, max_size=3).map(tuple),
            st.builds(Money, amount=st.sampled_from(["20.00", "0"]), currency=st.just("USD")),
        ),
        source=st.none() | st.just("https://a.example"),
        as_of=st.none() | st.just("2026-11-20"),
    ),
    min_size=1,
)  # fmt: skip
tools = st.builds(
    ToolListed, tool=slugs, name=some_text, category=slugs, tagline=some_text,
    description=some_text, pricing=some_text, entry=st.sampled_from(["free", "paid"]),
    best_for=st.none() | some_text, facts=facts, url=st.none() | st.just("https://a.example/#b"),
)  # fmt: skip
reviews = st.builds(
    ReviewSubmitted, tool=slugs, reviewer=slugs, score=st.integers(0, 100),
    verdict=st.sampled_from(["ship", "skip"]), body=some_text,
    pros=st.lists(some_text, max_size=3).map(tuple), cons=st.just(()),
    disclosure=st.none() | some_text,
)  # fmt: skip
others = st.one_of(
    st.builds(CategoryDefined, category=slugs, name=some_text, description=some_text),
    st.builds(
        ReviewerJoined, reviewer=slugs, name=some_text, motto=some_text,
        position=st.integers(-(2**31), 2**31 - 1),
    ),
)  # fmt: skip


@given(st.one_of(tools, reviews, others).filter(lambda data: broken_rule(data) is None))
@example(CategoryDefined("a", "A", "x\r\ny"))
@example(ToolListed("a", "A", "c", "T", "D", "P", "free", facts={"f": Fact(1e-07)}))
def test_what_is_written_is_read_again(data: Data) -> None:
    parsed = parse_file(path_of(data), write_file(data))
    assert parsed.problems == ()
    assert parsed.file
    assert parsed.file.data == data


def test_a_file_looks_as_an_editor_would_write_it() -> None:
    review = ReviewSubmitted(
        "cursor", "builder", 88, "ship", "It works.\n\nReally.", ("Fast: very",), (), None
    )
    assert write_file(review) == (
        '---\nscore: 88\nverdict: ship\npros:\n  - "Fast: very"\n---\n\nIt works.\n\nReally.\n'
    )
