"""User texts inside a Markdown page, where they must not become headings, tables or HTML."""

import re
from functools import lru_cache

_MARKUP = re.compile(r"[\\`*_\[\]<>|#&~]|^[-+=]")
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
    | ^(?P<list> (?: [ \t] | (?: [-+*] | \d{1,9}[.)] ) [ \t] (?=[ \t]*\S) )*+ )
          (?= [#>|] | [-=:|*_][-=:|*_ \t]*$ )
    | (?P<outside> `+ | ~{3,} | < | !(?=\[) )
    """,
    re.MULTILINE | re.VERBOSE,
)
_LINE_END = re.compile(r"[ \t]*\n[ \t]*")


@lru_cache(maxsize=4096)
def escape_inline(text: str) -> str:
    """A plain text on one line, with every markup character escaped."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


@lru_cache(maxsize=4096)
def escape_block(text: str) -> str:
    """A text in the small Markdown subset as a block quote, which nothing in it can leave."""
    lines = "\n".join(text.strip().splitlines())
    safe = _PARTS.sub(_safe, lines)
    return "\n".join(f"> {line}".rstrip() for line in safe.splitlines())


def _safe(part: re.Match[str]) -> str:
    if part.lastgroup == "code":
        return _LINE_END.sub(" ", part[0])
    if part.lastgroup == "list":
        return part[0] + "\\"
    if part.lastgroup == "outside":
        return "".join(f"\\{character}" for character in part[0])
    return part[0]
