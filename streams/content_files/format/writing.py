"""From the data of an event to the text of its file; `parse_file` reads the same data from it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from schemas.events import Data
from streams.content_files.model import KINDS, kind_of, path_of

_PLAIN = re.compile(r"[^\W_](?:[^\x00-\x1f\x7f-\xa0:#\u2028\u2029\ufeff]|:(?=\S))*", re.UNICODE)
_NULL = {"null", "Null", "NULL", "~", ""}
# What YAML does not allow as it is, or takes for a line break.
_UNPRINTABLE = re.compile(
    "[^\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\U00010000-\U0010ffff]"
)


def write_file(data: Data) -> str:
    """The text of a file."""
    kind = KINDS[kind_of(path_of(data))]
    fields: dict[str, Any] = msgspec.to_builtins(data)
    text = fields.get(kind.text or "")
    if text is not None and _can_stand_below(text):
        del fields[kind.text or ""]
    else:
        text = None
    for name in kind.slugs:
        del fields[name]
    lines = ["---", *_mapping(fields, "", ""), "---"]
    return "\n".join(lines) + (f"\n\n{text}\n" if text is not None else "\n")


def _can_stand_below(text: str) -> bool:
    return text == text.strip("\n \t") and "\r" not in text and text != ""


def _mapping(values: dict[str, Any], indent: str, at: str) -> Iterator[str]:
    for name, value in values.items():
        if value is None or value in ([], {}, ()):
            continue
        yield from _entry(f"{indent}{_scalar(name)}:", value, indent, f"{at}/{name}")


def _entry(head: str, value: Any, indent: str, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield head
        yield from _mapping(value, f"{indent}  ", at)
    elif isinstance(value, list | tuple):
        yield head
        for entry in value:
            yield from _list_entry(entry, f"{indent}  ", at)
    else:
        quoted = isinstance(value, str) and re.fullmatch(r"/facts/[^/]+/value", at) is not None
        yield f"{head} {_scalar(value, quoted=quoted)}"


def _list_entry(entry: Any, indent: str, at: str) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"{indent}- {_scalar(entry)}"
        return
    lines = list(_mapping(entry, f"{indent}  ", at))
    yield f"{indent}- {lines[0].strip()}"
    yield from lines[1:]


def _scalar(value: Any, *, quoted: bool = False) -> str:
    if isinstance(value, float) and "." not in repr(value):
        return repr(value).replace("e", ".0e")  # YAML takes 1e-07 for a text
    if not isinstance(value, str):
        return json.dumps(value)
    if not quoted and value not in _NULL and _PLAIN.fullmatch(value) and value == value.strip():
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
