"""`If-None-Match` against an entity tag."""

import pytest

from infra.http.conditional import etag_matches


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b", "a"', '"b" , W/"a"', "*", " * "])
def test_a_tag_matches_weakly_in_any_position_or_by_a_star(header: str) -> None:
    assert etag_matches(header, '"a"')


@pytest.mark.parametrize("header", [None, "", '"b"', "a", '"ab"', '"b", *'])
def test_other_headers_do_not_match(header: str | None) -> None:
    assert not etag_matches(header, '"a"')
