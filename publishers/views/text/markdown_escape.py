"""User texts inside a Markdown page, where they must not become headings, tables or HTML."""

import re

from publishers.render_cache import part_cache
from schemas.text.isolation import drop_controls

# Readers agree on the meaning of a character reference, and not on which backslashes escape.
_BACKSLASHED = frozenset("\\`*_{}[]()#+-.!")
_MARKUP = re.compile(
    r"""
      [\\`*_{}\[\]<>|\#&~$@]
    | ^ [-+=:!^]
    | (?<=^\d) [.)] | (?<=^\d\d) [.)] | (?<=^\d\d\d) [.)]
    | : (?= // | \w[\w+-]*: ) | (?<=mailto) :
    | (?<=[^\W_]) [.] (?=[^\W\d_])
    """,
    re.VERBOSE,
)
# Text that a Markdown reader could take for markup. Readers know more than the small subset that
# bodies may use, and they disagree on where code ends. Code stays unescaped only where all of them
# agree on its end: a fence whose lines are all indented like itself, and a run of backticks that
# a run of the same length closes.
_PARTS = re.compile(
    r"""
      (?P<escaped> \\[!-/:-@\[-`{-~] )
    | ^(?P<fence> (?P<indent>[ ]{0,3}) (?P<run>`{3,}|~{3,}) [ \t]*[\w.+#-]*[ \t]*\n
          (?: (?![ \t]*(?P=run)) (?: (?P=indent).* | [ \t]* ) \n )*+
          (?P=indent) (?P=run) [ \t]*$ )
    | (?P<code> (?P<ticks>`+) (?!`)
          (?: [^\n] | \n (?! [ \t]* (?: \n | [-+*>#|=:~`] | \d+[.)] ) ) )+?
          (?<!`) (?P=ticks) (?!`) )
    | ^(?P<definition> (?: [ \t] | (?: [-+*] | \d{1,9}[.)] ) [ \t] (?=[ \t]*\S) )*+ ) : (?=[ \t])
    | ^(?P<list> (?: [ \t] | (?: [-+*] | \d{1,9}[.)] ) [ \t] (?=[ \t]*\S) )*+ )
          (?= [#>|] | [-=:|*_][-=:|*_ \t]*$ | !!!
              | \[ (?! \^ | [ \txX]\] | TOC\] ) [^\]]{0,1000} \]: )
    | (?P<link> \]\( [ \t]*\n?[ \t]* (?i:https?):// [^\s()<>\\\[\]`]* )
    | (?P<outside> `+ | ~+ | [<&$@] | !(?=\[) | \](?=[(:]) | \[(?=\^ | [ \txX]\] | TOC\])
          | \{(?=[:#.]) | :(?= // | \w[\w+-]*: ) | (?i:(?<=\bmailto)) : | (?i:(?<=\bwww)) [.] )
    """,
    re.MULTILINE | re.VERBOSE,
)
_LINE_END = re.compile(r"[ \t]*\n[ \t]*")


@part_cache.by_value
def escape_inline(text: str) -> str:
    """A plain text on one line, with every markup character escaped."""
    return _MARKUP.sub(lambda match: _escaped(match[0]), " ".join(_visible(text).split()))


@part_cache.by_value
def escape_block(text: str) -> str:
    """A text in the small Markdown subset as a block quote, which nothing in it can leave."""
    lines = "\n".join(_visible(text).strip().splitlines())
    safe = _PARTS.sub(_safe, lines)
    return "\n".join(f"> {line}".rstrip() for line in safe.splitlines())


def _visible(text: str) -> str:
    """The text without control characters: readers drop them, and so join what they separate."""
    return str(drop_controls(text))


def _safe(part: re.Match[str]) -> str:
    if part.lastgroup == "code":
        return _LINE_END.sub(" ", part[0])
    if part.lastgroup == "definition":
        return part["definition"] + _escaped(":")
    if part.lastgroup == "list":
        return part[0] + "\\"
    if part.lastgroup == "outside":
        return "".join(map(_escaped, part[0]))
    if part.lastgroup == "escaped":
        return _escaped(part[0][1])
    return part[0]


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _BACKSLASHED else f"&#{ord(character)};"
