"""Exports of a visitor's own data."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from schemas.records import Tool
from tests.streams.api.conftest import FakeApi

ORIGIN = {"Origin": "http://127.0.0.1:8080"}


@pytest.fixture
def reader(api: Any) -> Any:
    """An API whose visitor has bookmarked alpha and voted to skip beta."""
    api.apply_all(("verdicts.bookmarks.v1", 0))
    assert api.client.put("/v1/bookmarks/alpha", headers=ORIGIN).status_code == 200
    voter = api.events()[0].data.voter
    api.fakes.read_model.bookmarks[voter] = ["alpha"]
    api.fakes.read_model.choices[voter] = {"beta": "skip"}
    return api


def test_bookmarks_are_exported_as_json_with_absolute_urls(reader: Any) -> None:
    answer = reader.client.get("/v1/me/bookmarks.json")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="verdicts-bookmarks.json"'
    )
    assert answer.json() == [
        {
            "tool": "alpha",
            "name": "Alpha",
            "tagline": "Writes.",
            "url": "http://127.0.0.1:8080/tools/alpha/",
            "time": "2025-11-01T00:00:00Z",
        }
    ]


def test_bookmarks_are_exported_as_csv_with_a_header_line(reader: Any) -> None:
    answer = reader.client.get("/v1/me/bookmarks.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert row["name"] == "Alpha"
    assert row["url"] == "http://127.0.0.1:8080/tools/alpha/"


def test_bookmarks_are_exported_as_a_file_that_browsers_import(reader: Any) -> None:
    text = reader.client.get("/v1/me/bookmarks.html").text
    assert text.startswith("<!DOCTYPE NETSCAPE-Bookmark-file-1>")
    address, since = "http://127.0.0.1:8080/tools/alpha/", 1761955200
    assert f'<DT><A HREF="{address}" ADD_DATE="{since}">Alpha</A>' in text


def test_names_cannot_bring_markup_into_the_file_for_browsers(
    reader: Any, a_tool: Callable[..., Tool]
) -> None:
    reader.fakes.read_model.tools["alpha"] = a_tool("alpha", name='<b>"A" & co')
    text = reader.client.get("/v1/me/bookmarks.html").text
    assert "&lt;b&gt;&quot;A&quot; &amp; co" in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    "name", ["bookmarks.json", "bookmarks.csv", "bookmarks.html", "votes.json"]
)
def test_an_unchanged_file_is_304(reader: Any, name: str) -> None:
    first = reader.client.get(f"/v1/me/{name}")
    known = {"If-None-Match": first.headers["etag"]}
    assert reader.client.get(f"/v1/me/{name}", headers=known).status_code == 304
    reader.fakes.read_model.tools["alpha"] = reader.fakes.read_model.tools["gone"]
    reader.fakes.read_model.tools["beta"] = reader.fakes.read_model.tools["gone"]
    assert reader.client.get(f"/v1/me/{name}", headers=known).status_code == 200


def test_votes_are_exported_as_json(reader: Any) -> None:
    (vote,) = reader.client.get("/v1/me/votes.json").json()
    assert (vote["tool"], vote["name"], vote["choice"]) == ("beta", "Beta", "skip")


@pytest.mark.parametrize(
    "name", ["bookmarks.json", "bookmarks.csv", "bookmarks.html", "votes.json"]
)
def test_a_visitor_without_votes_gets_an_empty_private_file(api: FakeApi, name: str) -> None:
    answer = api.client.get(f"/v1/me/{name}")
    assert answer.status_code == 200
    assert "Alpha" not in answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *(('=HYPERLINK("http://e.com")', '\'=HYPERLINK("http://e.com")'), ("+1", "'+1")),
        *(("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'=1"), ("\r\n=1", "'=1")),
        *(("\x01=1", "'=1"), ("\uff1d1", "'\uff1d1"), ("a=1", "a=1"), ("a\nb", "a b")),
    ],
)
def test_no_cell_is_a_formula(
    reader: Any, a_tool: Callable[..., Tool], name: str, cell: str
) -> None:
    reader.fakes.read_model.tools["alpha"] = a_tool("alpha", name=name, tagline=name)
    text = reader.client.get("/v1/me/bookmarks.csv").text
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["name"], row["tagline"]) == (cell, cell)
    assert len(text.splitlines()) == 2


def test_a_name_is_one_line_of_the_file_for_browsers(
    reader: Any, a_tool: Callable[..., Tool]
) -> None:
    reader.fakes.read_model.tools["alpha"] = a_tool("alpha", name="a\r\n<DL>\x01b", tagline="c\nd")
    text = reader.client.get("/v1/me/bookmarks.html").text
    assert ">a &lt;DL&gt;b</A>" in text
    assert "<DD>c d\n" in text
