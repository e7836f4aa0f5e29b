"""The words of texts and queries, and when a word of a query finds a text.

`site.js` has the same rules.
"""

import re
import unicodedata
from itertools import accumulate, takewhile

from publishers.render_cache import part_cache
from publishers.views.text.markdown import to_plain

MAX_DESCRIPTION_LENGTH = 600
"""Characters of a description's distinct words that search reads and the index holds."""

MIN_DESCRIPTION_WORD = 3

_CHUNK = re.compile(r"\S+")
_WORD = re.compile(r"[^\W_]+")
# Scripts that put no spaces between words: Thai to Burmese, Khmer, and all of East Asia.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]"
)
_LETTERS = str.maketrans(
    {
        "\u0142": "l",
        "\u0111": "d",
        "\u00f0": "d",
        "\u00f8": "o",
        "\u0127": "h",
        "\u0131": "i",
        "\u0167": "t",
        "\u014b": "n",
        "\u00e6": "ae",
        "\u0153": "oe",
        "\u00fe": "th",
    }
)
"""Letters that Unicode does not decompose: l, d, h, t with stroke and their like."""


def fold(text: str) -> str:
    """The text without case, accents and other marks."""
    plain = unicodedata.normalize("NFKD", text)
    unmarked = "".join(c for c in plain if unicodedata.category(c)[0] != "M")
    return unmarked.casefold().translate(_LETTERS)


def words(text: str) -> list[str]:
    """The words of a text without case, accents and punctuation."""
    return _WORD.findall(fold(text))


@part_cache.by_value
def description_words(description: str, best_for: str) -> str:
    """The distinct longer words of a description, cut to a bounded length."""
    text = f"{best_for} {to_plain(description, 2_000)}"
    distinct = dict.fromkeys(word for word in words(text) if len(word) >= MIN_DESCRIPTION_WORD)
    lengths = accumulate(len(word) + 1 for word in distinct)
    short = takewhile(lambda length: length <= MAX_DESCRIPTION_LENGTH, lengths)
    return " ".join(word for word, _ in zip(distinct, short, strict=False))


def searchable(text: str) -> list[str]:
    """The words of a text, and each joined with those behind it: gpt, 4o, gpt4o."""
    chunks = [_WORD.findall(chunk) for chunk in _CHUNK.findall(fold(text))]
    joined = ["".join(chunk[start:]) for chunk in chunks for start in range(len(chunk) - 1)]
    single = [word for chunk in chunks for word in chunk]
    return list(dict.fromkeys(single + joined))


def query_words(text: str) -> list[list[str]]:
    """The words of each chunk between spaces: `gpt-4o mini` is `[[gpt, 4o], [mini]]`."""
    chunks = [_WORD.findall(chunk) for chunk in _CHUNK.findall(fold(text))]
    return [chunk for chunk in chunks if chunk]


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that puts no spaces between words."""
    return _UNSPACED.search(word) is not None


def is_near(word: str, other: str) -> bool:
    """Whether one letter less, more, another, or two exchanged make `word` begin `other`."""
    at = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), None)
    at = min(len(word), len(other)) if at is None else at
    rest, behind = word[at:], other[at:]
    return (
        behind.startswith(rest[1:])
        or behind[1:].startswith(rest)
        or behind[1:].startswith(rest[1:])
        or (behind[1:2] + behind[:1] == rest[:2] != "" and behind[2:].startswith(rest[2:]))
    )
