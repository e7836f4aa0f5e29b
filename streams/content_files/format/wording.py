"""What is wrong with a value, in an editor's words: "entry: 'gratis' is none of free, …"."""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UnsetType, inspect

from schemas.event_validation import explain

_LONGEST_SHOWN = 40


class Explained(NamedTuple):
    """The path of a wrong value, as `pros/0` or `facts/context/value`, and the sentence."""

    at: str
    sentence: str


def require_fit(value: Any, hint: Any) -> None:
    """Check a value by the type of a field.

    Raises:
        msgspec.ValidationError: It does not fit; its paths begin with `$.value`.
    """
    msgspec.convert({"value": value}, _holder(hint))


@cache
def _holder(hint: Any) -> type[msgspec.Struct]:
    """A struct with a field of this type.

    It is kept, because msgspec 0.22 frees memory that is in use when it forgets some unions.
    """
    return msgspec.defstruct("Holder", [("value", hint)])


def explain_value(
    name: str, value: Any, hint: Any, error: msgspec.ValidationError
) -> list[Explained]:
    """Why a value does not fit its field's type: every wrong part of it."""
    return list(_explain(name, name, value, hint, error))


def _explain(
    at: str, name: str, value: Any, hint: Any, error: msgspec.ValidationError
) -> Iterator[Explained]:
    hint = _without_unset(hint)
    type_ = _type_of(hint)
    if isinstance(value, str) and not isinstance(type_, inspect.UnionType):
        yield Explained(at, f"{name}: {_explain_text(value, type_, error)}")
    elif isinstance(type_, inspect.StrType | inspect.IntType | inspect.LiteralType):
        yield Explained(at, f"{name}: expected {_expected(type_)}, not {_shape(value)}")
    elif isinstance(type_, inspect.VarTupleType) and not isinstance(value, list):
        yield Explained(at, f"{name}: expected a list, not {_shape(value)}")
    elif wrong := list(_wrong_parts(at, name, value, hint)):
        yield from wrong
    else:
        invalid = explain(str(error), "")
        pointer = invalid.pointer.removeprefix("/value")
        sentence = f"{name}{pointer.replace('/', '.')}: {_as_clause(invalid.detail)}"
        yield Explained(f"{at}{pointer}", sentence)


def _wrong_parts(at: str, name: str, value: Any, hint: Any) -> Iterator[Explained]:
    """The wrong entries of a list, values of a mapping, or fields of a struct."""
    parts: list[tuple[str, str, Any, Any]] = []
    arguments = get_args(hint)
    if isinstance(value, list) and get_origin(hint) is tuple:
        parts = [
            (f"{at}/{index}", f"{name}, entry {index + 1}", entry, arguments[0])
            for index, entry in enumerate(value)
        ]
    elif isinstance(value, dict) and get_origin(hint) is dict:
        parts = [(f"{at}/{key}", f"{name}.{key}", key, arguments[0]) for key in value]
        parts += [
            (f"{at}/{key}", f"{name}.{key}", each, arguments[1]) for key, each in value.items()
        ]
    elif isinstance(value, dict) and isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint, include_extras=True)
        parts = [
            (f"{at}/{key}", f"{name}.{key}", each, hints[key])
            for key, each in value.items()
            if key in hints and each is not None
        ]
    for below, called, part, of_type in parts:
        try:
            require_fit(part, of_type)
        except msgspec.ValidationError as error:
            yield from _explain(below, called, part, of_type, error)


def _without_unset(hint: Any) -> Any:
    """A type without None and UNSET beside it, and without its constraints if it has parts."""
    parts = [part for part in get_args(hint) if part not in (UnsetType, type(None))]
    if get_origin(hint) in (Union, UnionType) and len(parts) == 1:
        return _without_unset(parts[0])
    if get_origin(hint) is Annotated and get_origin(parts[0]) in (tuple, dict):
        return parts[0]
    return hint


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


def _type_of(hint: Any) -> Any:
    holder = inspect.type_info(_holder(hint))
    assert isinstance(holder, inspect.StructType)
    return _one_type(holder.fields[0].type)


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
        case inspect.StructType() | inspect.DictType():
            return f"expected keys with values below it, not the text {_shown(value)}"
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
