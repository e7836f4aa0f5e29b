"""Tools found by the words that their texts share, kept while the catalogue changes.

An edit of one tool moves it in the lists of few others. Weights go by steps, so that a word on one
tool more or less mostly keeps its weight, and with it the scores of all others.
"""

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from publishers.render_cache import part_cache
from publishers.views.search.search_words import words
from publishers.views.text.markdown import to_plain
from schemas.records import Tool

MIN_WORD_LENGTH = 4
"""Shorter words are not distinctive."""

_WHOLE_TEXT = 100_000
_TOLERANCE = 1e-6
"""Of scores, which are rounded where they are compared."""

Answer = TypeVar("Answer")


class Found(NamedTuple, Generic[Answer]):
    """What was found for a tool.

    Attributes:
        answer: What is asked for.
        names: The slugs of the tools in the answer.
        least: The score from which on another tool would be in the answer.
    """

    answer: Answer
    names: frozenset[str]
    least: float


class TextIndex(ABC, Generic[Answer]):
    """Tools by the words of their texts, with what was found for each; never changed.

    Rare words weigh more. Votes and reviews play no part.
    """

    max_holders: ClassVar[int]
    """A word of more tools is not distinctive, and looking at all of them would take long."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.tool: tool for tool in tools}
        self._holders: dict[str, list[str]] = defaultdict(list)
        for slug in sorted(self._tools):
            for word in distinctive_words(self._tools[slug]):
                self._holders[word].append(slug)
        self._found: dict[str, Found[Answer]] = {}

    def with_tools(self, tools: Mapping[str, Tool | None]) -> Self:
        """The index with other texts of some tools, by slug; None where one is gone.

        It keeps what was found for tools that this does not affect.
        """
        changed = copy(self)
        changed._tools = {slug: tool for slug, tool in {**self._tools, **tools}.items() if tool}
        changed._holders = defaultdict(list, self._holders)
        moved = changed._move_words(self._tools, tools)
        if changed._scale == self._scale:
            before = {word: self._holders.get(word, []) for word in moved}
            affected = {*tools, *changed._affected(self._tools.keys(), tools, before)}
            changed._found = {
                slug: entry for slug, entry in self._found.items() if slug not in affected
            }
        else:
            changed._found = {}
        return changed

    def dependents(self, slugs: Collection[str]) -> list[str]:
        """The tools that any of these may be found for: all for which nothing is known, too."""
        return [
            slug
            for slug in self._tools
            if slug not in self._found or not self._found[slug].names.isdisjoint(slugs)
        ]

    def _of(self, slug: str) -> Answer:
        if slug not in self._found:
            self._found[slug] = self._find(self._tools[slug])
        return self._found[slug].answer

    @abstractmethod
    def _find(self, tool: Tool) -> Found[Answer]:
        """Find what is asked for of a tool."""

    def _move_words(self, before: Mapping[str, Tool], tools: Mapping[str, Tool | None]) -> set[str]:
        """Move tools from the words that they had to those that they have; gives all of these."""
        moved: set[str] = set()
        for slug, tool in tools.items():
            old = distinctive_words(before[slug]) if slug in before else frozenset()
            new = distinctive_words(tool) if tool else frozenset()
            for word in old - new:
                self._holders[word] = [each for each in self._holders[word] if each != slug]
            for word in new - old:
                self._holders[word] = sorted([*self._holders[word], slug])
            moved |= old ^ new
        return moved

    def _affected(
        self,
        present: Collection[str],  # noqa: ARG002 # for indexes where more depends on it
        tools: Mapping[str, Tool | None],
        before: Mapping[str, Sequence[str]],
    ) -> set[str]:
        """The tools for which others may be found now.

        Args:
            present: All tools before.
            tools: The tools that changed.
            before: The former holders of words that have others now.
        """
        affected = {
            slug for slug, entry in self._found.items() if not entry.names.isdisjoint(tools)
        }
        for word, holders in before.items():
            if self._weight_of(len(holders)) != self._weight(word):
                affected.update(holders, self._holders[word])
        for tool in filter(None, tools.values()):
            scores = self._scores(distinctive_words(tool))
            affected.update(slug for slug, score in scores.items() if self._may_join(slug, score))
        return affected

    def _may_join(self, slug: str, score: float) -> bool:
        return slug in self._found and score >= self._found[slug].least - _TOLERANCE

    @property
    def _scale(self) -> int:
        return _step(len(self._tools) + 1)

    def _weight(self, word: str) -> float:
        return self._weight_of(len(self._holders.get(word, ())))

    def _weight_of(self, holders: int) -> float:
        """Greater for rare words; zero for those of so many tools that they do not count."""
        counts = 0 < holders <= self.max_holders
        return math.log(2 * self._scale / _step(holders)) if counts else 0.0

    def _scores(self, words: Iterable[str]) -> dict[str, float]:
        """The total weight of the words that each tool shares, by its slug."""
        scores: dict[str, float] = defaultdict(float)
        for word in sorted(words):  # sums of floats depend on the order
            if weight := self._weight(word):
                for slug in self._holders[word]:
                    scores[slug] += weight
        return scores


def _step(number: int) -> int:
    """The least of 1, 2, 3, 4, 6, 8, 12, 16 and so on that is not less."""
    power = 1 << (number - 1).bit_length()
    return power * 3 // 4 if number <= power * 3 // 4 else power


def distinctive_words(tool: Tool) -> frozenset[str]:
    """The words of a tool's texts that say what it is about."""
    return _words(tool.tagline, tool.best_for, tool.description)


@part_cache.by_value
def _words(tagline: str, best_for: str, description: str) -> frozenset[str]:
    every = words(f"{tagline} {best_for} {to_plain(description, _WHOLE_TEXT)}")
    return frozenset(word for word in every if len(word) >= MIN_WORD_LENGTH and word not in _COMMON)


_COMMON = frozenset(
    words(
        "about after again against also although always another before behind being below "
        "between both cannot could does doing down each either else enough even ever every "
        "everyone everything few first from have having here into itself just keep keeps last "
        "least less like made make makes many mind more most much must need needs neither never "
        "nobody none nothing once only other others over place rather runs same should since "
        "small some someone something still such take takes than that their them then there "
        "these they thing things this those through time under until upon used uses using very "
        "want wants well were what when where whether which while whole whose will with within "
        "without work works would your yours tool tools read reads show shows give gives find "
        "finds says stay stays come comes"
    )
)
