"""The index finds what looking at each tool finds."""

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from publishers.views.search.search_words import is_near, is_unspaced, searchable
from publishers.views.search.word_field import MIN_TYPO_LENGTH, WordField

LETTERS = st.text("abcd東京", min_size=1, max_size=6)
TEXTS = st.lists(st.lists(LETTERS, max_size=4), max_size=6)
CHUNKS = st.lists(LETTERS, min_size=1, max_size=3)
Matches = Callable[[Sequence[str], str], bool]


def finds(chunk: Sequence[str], text: str) -> bool:
    """Whether a chunk of a query finds a text, whose words each have a space before them."""
    return _begins("".join(chunk), text) or all(_begins(word, text) for word in chunk)


def finds_nearly(chunk: Sequence[str], text: str) -> bool:
    word = "".join(chunk)
    near = len(word) >= MIN_TYPO_LENGTH and any(is_near(word, other) for other in text.split())
    return near or finds(chunk, text)


def _begins(word: str, text: str) -> bool:
    return (word if is_unspaced(word) else f" {word}") in text


def found(matches: Matches, chunk: Sequence[str], texts: Sequence[Sequence[str]]) -> set[int]:
    joined = ["".join(f" {word}" for word in words) for words in texts]
    return {number for number, text in enumerate(joined) if matches(chunk, text)}


@given(CHUNKS, TEXTS)
def test_the_index_finds_what_each_text_shows(chunk: list[str], texts: list[list[str]]) -> None:
    field = WordField(1, texts)
    assert field.find(chunk) == found(finds, chunk, texts)
    assert field.find_nearly(chunk) == found(finds_nearly, chunk, texts)


@given(st.text("abcd", min_size=4, max_size=7), st.data())
def test_any_one_typo_is_forgiven(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 2))
    letter = data.draw(st.sampled_from("abcdx"))
    typos = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    )
    typo = data.draw(st.sampled_from([each for each in typos if len(each) >= MIN_TYPO_LENGTH]))
    assert WordField(1, [[word], ["zzzz"]]).find_nearly([typo]) == {0}


def test_words_of_a_chunk_are_found_joined_and_apart() -> None:
    assert searchable("GPT-4o mini") == ["gpt", "4o", "mini", "gpt4o"]
