"""The words of one field of many tools, and which tools a chunk of a query finds by them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from publishers.views.search.search_words import is_near, is_unspaced

MIN_TYPO_LENGTH = 4
"""Shorter words of a query must be right."""

FIRST_LETTERS = 3
"""A typo behind these leaves few words to look at."""

_LAST = "\U0010ffff"
"""Sorts after every letter."""


class WordField:
    """Finds tools, by their numbers, without looking at each tool.

    Args:
        weight: How much a match counts.
        texts: The words of each tool, in the order of the tools' numbers.
    """

    def __init__(self, weight: int, texts: Iterable[Iterable[str]]) -> None:
        self.weight = weight
        self._holders: dict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(texts):
            for word in dict.fromkeys(words):
                self._holders[word].append(number)
        self._words = sorted(self._holders)
        self._unspaced = [word for word in self._words if is_unspaced(word)]

    def find(self, chunk: Sequence[str]) -> set[int]:
        """The tools with a word that the chunk begins, joined; else with one for each word."""
        tools = self._beginning("".join(chunk))
        if len(chunk) > 1:
            tools |= set.intersection(*map(self._beginning, chunk))
        return tools

    def find_nearly(self, chunk: Sequence[str]) -> set[int]:
        """The same, also with one typo in the chunk."""
        tools, word = self.find(chunk), "".join(chunk)
        if len(word) >= MIN_TYPO_LENGTH:
            others = (each for each in self._candidates(word) if not each.startswith(word))
            tools |= self._tools(other for other in others if is_near(word, other))
        return tools

    def _beginning(self, word: str) -> set[int]:
        """The tools with a word that begins so, or in scripts without spaces holds it."""
        if is_unspaced(word):
            return self._tools(other for other in self._unspaced if word in other)
        return self._tools(self._range(word))

    def _candidates(self, word: str) -> Iterator[str]:
        """All words that `word` may begin with one typo: in its first letters, or behind them."""
        yield from self._range(word[:FIRST_LETTERS])
        for at in range(FIRST_LETTERS):
            without = word[:at] + word[at + 1 :]
            yield from self._range(without)
            yield from self._range(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
            yield from self._range_without(at, word)
            yield from self._range_without(at, without)

    def _range_without(self, at: int, beginning: str) -> Iterator[str]:
        """The words that begin so where one of their first letters is left out."""
        words = self._without_letter[at]
        start, end = (bisect_left(words, (text,)) for text in (beginning, beginning + _LAST))
        return (word for _, word in words[start:end])

    @cached_property
    def _without_letter(self) -> list[list[tuple[str, str]]]:
        return [
            sorted((word[:at] + word[at + 1 :], word) for word in self._words)
            for at in range(FIRST_LETTERS)
        ]

    def _range(self, beginning: str) -> Sequence[str]:
        start, end = (bisect_left(self._words, text) for text in (beginning, beginning + _LAST))
        return self._words[start:end]

    def _tools(self, words: Iterable[str]) -> set[int]:
        tools: set[int] = set()
        for word in words:
            tools.update(self._holders[word])
        return tools
