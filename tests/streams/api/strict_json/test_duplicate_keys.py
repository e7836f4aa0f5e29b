"""Keys that occur more than once."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.api.strict_json.duplicate_keys import find_duplicate_key, has_unique_keys
from streams.api.strict_json.json_pointers import parse, walk


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a":1,"a":1}', "/a"),
        (b'{"a":1,"b":2,"a":3}', "/a"),
        (b'{"a" : 1, "\\u0061" :2}', "/a"),
        (b'[{"a":1},{"b":{"c":[0,{"d":1,"d":2}]}}]', "/1/b/c/1/d"),
        (b'{"a":{"x":1,"x":2},"a":3}', "/a"),
        (b'{"a/b~":1,"a/b~":2}', "/a~1b~0"),
        (b'{"":1,"":2}', "/"),
        (b'{"a":1,"a":2,"b":"10\\u003a00"}', "/a"),
        (b'{"a":"\\u003A","a":2}', "/a"),
        (b'{"a":":","a":"::","b":null}', "/a"),
        (b'{"a":1,"a":"\\ud800"}', "/a"),
    ],
)
def test_the_first_duplicate_is_named_wherever_it_is(body: bytes, pointer: str) -> None:
    duplicate = find_duplicate_key(body)
    assert duplicate is not None
    assert duplicate.pointer == pointer
    assert duplicate.detail == f"The key {duplicate.key!r} occurs more than once."


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"a":"a:a","b":{"a":":"},"c":[{"a":1},{"a":1}]}',
        b'{"a" : "\\u003a", "b":"\\":"}',
        b'{"time":"2026-11-20T10:00:00Z","url":"https:\\/\\/example.org"}',
        b'{"a":"\\ud800","b":1}',
    ],
)
def test_equal_keys_of_different_objects_are_no_duplicates(body: bytes) -> None:
    assert find_duplicate_key(body) is None


def test_a_usual_body_is_judged_without_looking_at_each_key() -> None:
    assert has_unique_keys(b'{"time": "2026-11-20T10:00:00Z", "data": {"url": "http://a:1/"}}')


class _Pairs(list[tuple[str, object]]):
    """An object that may have a key twice."""


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(alphabet='a:"\\/é', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from(["a", ":", '"', "é"]), inner), max_size=3).map(_Pairs)
    ),
    max_leaves=8,
)


def _write(value: object, *, ascii_only: bool) -> str:
    if isinstance(value, _Pairs):
        members = (
            f"{json.dumps(key, ensure_ascii=ascii_only)} : {_write(inner, ascii_only=ascii_only)}"
            for key, inner in value
        )
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_write(inner, ascii_only=ascii_only) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _has_duplicate(value: object) -> bool:
    if isinstance(value, _Pairs):
        keys = [key for key, _ in value]
        return len(set(keys)) < len(keys) or any(_has_duplicate(inner) for _, inner in value)
    return isinstance(value, list) and any(map(_has_duplicate, value))


@given(JSON_VALUES, st.booleans())
def test_a_duplicate_is_never_missed_and_never_invented(value: object, ascii_only: bool) -> None:
    body = _write(value, ascii_only=ascii_only).encode()
    duplicate = find_duplicate_key(body)
    assert (duplicate is not None) == _has_duplicate(value)
    assert has_unique_keys(body) == (duplicate is None)
    assert next(walk(parse(body))) == ("", msgspec.json.decode(body))
