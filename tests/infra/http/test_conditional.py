"""Conditions of requests: entity tags and dates."""

import pytest

from infra.http.conditional import etag_matches, http_date, is_unchanged, parse_http_date


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', '"b" , W/"a"', "*", " * "])
def test_a_tag_matches_weakly_in_any_position_or_by_a_star(header: str) -> None:
    assert etag_matches(header, '"a"')


@pytest.mark.parametrize("header", [None, "", '"b"', "a", '"ab"', '"b", *'])
def test_other_headers_do_not_match(header: str | None) -> None:
    assert not etag_matches(header, '"a"')


SECONDS = 784_111_777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "text", [DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_a_date_is_read_in_each_of_its_three_forms(text: str) -> None:
    assert parse_http_date(text) == SECONDS
    assert http_date(SECONDS) == DATE


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        "0",
        '"a"',
        "\x00",
        "yesterday",
        "2026-11-20",
        "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +999999999999",
    ],
)
def test_any_other_text_is_no_date(text: str) -> None:
    assert parse_http_date(text) is None


def test_what_was_modified_by_then_is_unchanged() -> None:
    assert is_unchanged(None, DATE, '"a"', SECONDS)
    assert is_unchanged(None, DATE, '"a"', SECONDS - 1)
    assert not is_unchanged(None, DATE, '"a"', SECONDS + 1)
    assert not is_unchanged(None, DATE, '"a"', None)
    assert not is_unchanged(None, None, '"a"', SECONDS)
    assert not is_unchanged(None, "yesterday", '"a"', SECONDS)


def test_an_entity_tag_decides_over_a_date() -> None:
    assert is_unchanged('"a"', "yesterday", '"a"', SECONDS + 1)
    assert not is_unchanged('"b"', DATE, '"a"', SECONDS)
