"""What else a reader of a tool's page may look at: alternatives to it, and tools related to it."""

import math
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from publishers.views.answer import answer, preferred
from publishers.views.cards import Card, card, standing
from publishers.views.markdown import to_plain
from publishers.views.search import words
from publishers.views.texts import ENTRIES, percent
from schemas.records import Tool

MOST = 3
SHARED = 2
"""So many telling words two tools must share to be related."""

NAMED = 3
LONG = 4
"""Shorter words tell nothing of what a tool is about."""

_ENOUGH_TEXT = 100_000
_CHEAPER = ("free", "freemium", "paid")


class Suggestion(NamedTuple):
    """A tool, and why it is suggested."""

    card: Card
    reason: str


def alternatives(tool: Tool, category: Iterable[Tool]) -> list[Suggestion]:
    """Tools of the same category that have something over this one, those that stand best first."""
    rivals = sorted((one for one in category if one.tool != tool.tool), key=standing)
    found = [(rival, list(_advantages(tool, rival))) for rival in rivals]
    return [Suggestion(card(rival), ", ".join(why)) for rival, why in found if why][:MOST]


def related(tool: Tool, tools: Iterable[Tool]) -> list[Suggestion]:
    """Tools of other categories whose texts share the most telling words with this one's.

    A word tells more the fewer tools use it. What only votes change plays no part.
    """
    everyone = list({one.tool: one for one in [*tools, tool]}.values())
    holders = _holders(tuple(map(_words, everyone)))
    shared: dict[int, list[str]] = defaultdict(list)
    for word in sorted(_words(tool), key=lambda word: (len(holders[word]), word)):
        for at in holders[word]:
            shared[at].append(word)
    found = [
        (sum(math.log((len(everyone) + 1) / len(holders[word])) for word in telling), at)
        for at, telling in shared.items()
        if len(telling) >= SHARED and everyone[at].category.slug != tool.category.slug
    ]
    found.sort(key=lambda it: (-round(it[0], 9), everyone[it[1]].tool))
    return [
        Suggestion(card(everyone[at]), f"shares {_quoted(shared[at][:NAMED])}")
        for _, at in found[:MOST]
    ]


def _advantages(tool: Tool, rival: Tool) -> Iterable[str]:
    if answer(tool, rival).leader == rival.tool:
        yield "leads their comparison"
    if _CHEAPER.index(rival.entry) < _CHEAPER.index(tool.entry):
        yield f"{ENTRIES[rival.entry].lower()} to start with"
    if preferred(tool, rival) is rival:
        shares = [percent(one.community.percent) for one in (rival, tool)]
        yield f"liked by {shares[0]} of its voters against {shares[1]}"


def _words(tool: Tool) -> frozenset[str]:
    return _telling(tool.tagline, tool.best_for, tool.description)


@lru_cache(maxsize=4096)
def _telling(tagline: str, best_for: str, description: str) -> frozenset[str]:
    held = words(f"{tagline} {best_for} {to_plain(description, _ENOUGH_TEXT)}")
    return frozenset(word for word in held if len(word) >= LONG and word not in _COMMON)


@lru_cache(maxsize=2)
def _holders(vocabularies: tuple[frozenset[str], ...]) -> dict[str, list[int]]:
    """Who uses each word; the same for every page of one snapshot, so it is kept."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, held in enumerate(vocabularies):
        for word in held:
            found[word].append(at)
    return found


def _quoted(shared: list[str]) -> str:
    return ", ".join(f"“{word}”" for word in shared)


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
