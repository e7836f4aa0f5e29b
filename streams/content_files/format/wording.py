"""What is wrong with a value, in an editor's words: "entry: 'gratis' is none of free, …"."""

import difflib
from collections.abc import Iterable
from typing import Any, get_args, get_origin

import msgspec
from msgspec import inspect

from schemas.event_validation import explain

_LONGEST_SHOWN = 40


def explain_value(name: str, value: Any, hint: Any, error: msgspec.ValidationError) -> str:
    """Why a value does not fit its field's type."""
    type_ = _one_type(inspect.type_info(hint))
    if isinstance(value, str):
        return f"{name}: {_explain_text(value, type_, error)}"
    if isinstance(type_, inspect.StrType | inspect.IntType | inspect.LiteralType):
        return f"{name}: expected {_expected(type_)}, not {_shape(value)}"
    if isinstance(type_, inspect.VarTupleType | inspect.ListType) and not isinstance(value, list):
        return f"{name}: expected a list, not {_shape(value)}"
    if isinstance(value, list) and get_origin(hint) is tuple:
        return _explain_entry(name, value, get_args(hint)[0], error)
    invalid = explain(str(error), "")
    at = f"{name}{invalid.pointer}".replace("/", ".")
    return f"{at}: {_as_clause(invalid.detail)}"


def _explain_entry(name: str, entries: list[Any], hint: Any, error: msgspec.ValidationError) -> str:
    for number, entry in enumerate(entries, start=1):
        try:
            msgspec.convert(entry, hint)
        except msgspec.ValidationError as of_entry:
            return explain_value(f"{name}, entry {number}", entry, hint, of_entry)
    return f"{name}: {_as_clause(explain(str(error), '').detail)}"


def unknown_key(name: str, known: Iterable[str]) -> str:
    """Why a key cannot be there, with the key that it may mean."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"the keys here are {', '.join(names)}"
    return f"{name}: there is no such key; {hint}"


def unknown_slug(field: str, slug: str, kind: str, known: Iterable[str]) -> str:
    """Why a reference leads nowhere, with the slug that it may mean."""
    close = difflib.get_close_matches(slug, sorted(known), 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{field}: there is no {kind} {slug!r}{hint}"


def _one_type(type_: Any) -> Any:
    """A type without None and UNSET beside it."""
    if isinstance(type_, inspect.Metadata):
        return _one_type(type_.type)
    if not isinstance(type_, inspect.UnionType):
        return type_
    parts = [_one_type(part) for part in type_.types]
    parts = [part for part in parts if not isinstance(part, inspect.NoneType)]
    return parts[0] if len(parts) == 1 else type_


def _explain_text(value: str, type_: Any, error: msgspec.ValidationError) -> str:
    match type_:
        case inspect.LiteralType(values=values):
            return f"{_shown(value)} is none of {', '.join(map(str, values))}"
        case inspect.IntType():
            return f"{_shown(value)} is not {_expected(type_)}"
        case inspect.StrType(max_length=limit) if limit is not None and len(value) > limit:
            return f"the text has {len(value):,} characters, and at most {limit:,} are allowed"
        case inspect.StrType(min_length=least) if least and not value:
            return "the text is empty"
        case inspect.StrType():
            return f"{_shown(value)} is not {_as_noun(explain(str(error), '').detail)}"
        case inspect.VarTupleType() | inspect.ListType():
            return f"expected a list, not the text {_shown(value)}"
    return f"{_shown(value)} does not fit: {_as_clause(explain(str(error), '').detail)}"


def _expected(type_: Any) -> str:
    match type_:
        case inspect.IntType(ge=low, le=high) if low is not None and high is not None:
            return f"a whole number from {low} to {high}"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
    return "a text"


def _shape(value: Any) -> str:
    names = {list: "a list", dict: "keys with values", type(None): "nothing"}
    return names.get(type(value), _shown(str(value)))


def _shown(value: str) -> str:
    short = value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…"
    return repr(short)


def _as_noun(detail: str) -> str:
    return detail.removeprefix("Expected ").removesuffix(".")


def _as_clause(detail: str) -> str:
    return (detail[:1].lower() + detail[1:]).removesuffix(".")
