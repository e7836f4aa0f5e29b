import json
from typing import Any

import pytest

from schemas.avro import catalogue
from schemas.event_validation import InvalidEvent, read_data
from schemas.events import EVENT_TYPES, ToolRetired
from schemas.facts.values import Money

LINES = [
    ("category.defined", "name"),
    ("tool.listed", "name"),
    ("tool.listed", "tagline"),
    ("tool.retired", "reason"),
    ("reviewer.joined", "name"),
    ("reviewer.joined", "motto"),
    ("review.retracted", "reason"),
]
PARAGRAPHS = [
    ("category.defined", "description"),
    ("tool.listed", "description"),
    ("tool.listed", "pricing"),
    ("tool.listed", "best_for"),
    ("review.submitted", "disclosure"),
]
TEXTS = [
    *((name, field, 300) for name, field in LINES),
    *((name, field, 2_000) for name, field in PARAGRAPHS),
    ("review.submitted", "body", 20_000),
    *((f"{name}", "voter", 128) for name in ("vote.cast", "vote.retracted", "bookmark.added")),
]
SLUGS = [
    ("category.defined", "category"),
    ("tool.listed", "tool"),
    ("tool.listed", "category"),
    ("tool.retired", "tool"),
    ("reviewer.joined", "reviewer"),
    ("review.submitted", "tool"),
    ("review.submitted", "reviewer"),
    ("vote.cast", "tool"),
    ("bookmark.removed", "tool"),
]
MOST_NAMES = [name for name in EVENT_TYPES if name != "digest.frozen"]


def an_example(name: str, /, **changes: Any) -> dict[str, Any]:
    """The catalogue's example of a type, as a sender would write it."""
    wanted = EVENT_TYPES[name].__name__
    version = catalogue.NEWEST[EVENT_TYPES[name].topic.name]
    example = next(each["value"] for each in version.examples() if each["record"] == wanted)
    around = ("id", "time", "source")
    return {key: value for key, value in example.items() if key not in around} | changes


def read(name: str, /, **changes: Any) -> Any:
    return read_data(name, json.dumps(an_example(name, **changes)).encode())


def refusal(name: str, /, **changes: Any) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(name, **changes)
    return caught.value


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_example_of_every_type_is_read_and_knows_its_type(name: str) -> None:
    assert read(name).type == name


@pytest.mark.parametrize(("name", "field", "most"), TEXTS)
def test_texts_have_one_character_to_their_limit_and_no_more(
    name: str, field: str, most: int
) -> None:
    for fits in ("x", "x" * most, "é" * most, "😀" * most):
        assert getattr(read(name, **{field: fits}), field) == fits
    for unfit in ("", "x" * (most + 1), 7, ["x"], {"x": 1}, True):
        refused = refusal(name, **{field: unfit})
        assert (refused.code, refused.pointer) == ("invalid-value", f"/data/{field}")


@pytest.mark.parametrize(("name", "field", "most"), TEXTS)
def test_no_text_holds_a_nul_at_any_place(name: str, field: str, most: int) -> None:
    for text in ("\0", "a\0", "\0a", "a\n\0b"):
        refused = refusal(name, **{field: text})
        assert refused.pointer == f"/data/{field}"
        assert "NUL" in refused.detail


@pytest.mark.parametrize(("name", "field", "most"), TEXTS)
def test_lines_breaks_and_other_scripts_are_text(name: str, field: str, most: int) -> None:
    text = "aç 漢 <b>" if (name, field) in LINES else "a\r\nb\tç 漢 \u2028 <b>"
    assert getattr(read(name, **{field: text}), field) == text


INVISIBLE = ["\u200b", " ", "\u00a0", "\u2060\ufeff", "\u3164", "\u2800", "\u0301", "\u202e"]
BROKEN = ["a\nb", "a\n", "\ra", "a\u2028", "\u2029a", "a\x85b", "a\x0bb", "a\tb", "a\x01", "\x7fa"]


@pytest.mark.parametrize(("name", "field"), LINES)
@pytest.mark.parametrize("text", [*INVISIBLE, *BROKEN])
def test_a_name_is_one_line_with_a_visible_character(name: str, field: str, text: str) -> None:
    refused = refusal(name, **{field: text})
    assert (refused.code, refused.pointer) == ("invalid-value", f"/data/{field}")
    assert "one line with a visible character" in refused.detail


@pytest.mark.parametrize("text", ["!", "漢", "😀", "\u200bA", "C++ (beta)", "\u05d0\u05d1", "ﷺ"])
def test_one_visible_character_is_a_name(text: str) -> None:
    assert read("tool.listed", name=text).name == text


@pytest.mark.parametrize(("name", "field"), [*PARAGRAPHS, ("review.submitted", "body")])
def test_no_new_text_holds_control_characters(name: str, field: str) -> None:
    for text in ("a\x01", "\x1b[31m", "a\x08", "a\x7f", "a\x9f"):
        refused = refusal(name, **{field: text})
        assert refused.pointer == f"/data/{field}"
        assert "control characters" in refused.detail


def test_a_control_character_in_a_list_is_pointed_at() -> None:
    assert refusal("review.submitted", pros=["fine", "a\x01"]).pointer == "/data/pros/1"


@pytest.mark.parametrize("escape", [r"\ud83d", r"\ude00", r"\uDE00\uD83D", r"a\ud800b"])
def test_a_lone_surrogate_is_refused(escape: str) -> None:
    raw = json.dumps(an_example("tool.retired", reason="@@")).replace("@@", escape)
    with pytest.raises(InvalidEvent) as caught:
        read_data("tool.retired", raw.encode())
    assert caught.value.code == "invalid-text"
    assert "surrogate" in caught.value.detail


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    raw = json.dumps(an_example("tool.retired", reason="😀"), ensure_ascii=True).encode()
    assert rb"\ud83d\ude00" in raw
    data = read_data("tool.retired", raw)
    assert isinstance(data, ToolRetired)
    assert data.reason == "😀"


@pytest.mark.parametrize("raw", [b"", b"{", b"nope", b'{"tool": "\xff"}', b"\xff\xfe"])
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(InvalidEvent) as caught:
        read_data("tool.retired", raw)
    assert (caught.value.code, caught.value.pointer) == ("malformed", "/data")


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"7"])
def test_data_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidEvent) as caught:
        read_data("tool.retired", raw)
    assert (caught.value.code, caught.value.pointer) == ("invalid-value", "/data")


@pytest.mark.parametrize(("name", "field"), SLUGS)
@pytest.mark.parametrize(
    "slug",
    ["a", "7", "a-b", "smolvlm-2-5", "vsx", "avs", "x-vsx", "avs-b", "a-vsb-c", "v-s", "a" * 80],
)
def test_these_are_slugs(name: str, field: str, slug: str) -> None:
    assert getattr(read(name, **{field: slug}), field) == slug


@pytest.mark.parametrize(("name", "field"), SLUGS)
@pytest.mark.parametrize(
    "text",
    [
        *("", "A", "a_b", "a b", "a.b", "a/b", "ä", "a\n", "a\0"),
        *("-", "-a", "a-", "a--b", "a" * 81),
        *("vs", "a-vs", "vs-a", "a-vs-b", "vs-vs", "a-b-vs-c-d"),
    ],
)
def test_these_are_none(name: str, field: str, text: str) -> None:
    refused = refusal(name, **{field: text})
    assert (refused.code, refused.pointer) == ("invalid-value", f"/data/{field}")


def test_a_refused_slug_is_told_what_a_slug_is() -> None:
    assert '"vs"' in refusal("tool.listed", tool="a-vs-b").detail


@pytest.mark.parametrize("name", MOST_NAMES)
def test_an_unknown_field_is_rejected_and_named(name: str) -> None:
    refused = refusal(name, favourite="yes")
    assert (refused.code, refused.pointer) == ("unknown-field", "/data/favourite")
    assert "'favourite'" in refused.detail


@pytest.mark.parametrize(
    ("field", "pointer"),
    [("a/b", "/data/a~1b"), ("a~b", "/data/a~0b"), ("a`b", "/data/a`b"), ("", "/data/")],
)
def test_a_pointer_escapes_what_has_a_meaning_in_pointers(field: str, pointer: str) -> None:
    assert refusal("tool.retired", **{field: 1}).pointer == pointer


@pytest.mark.parametrize("name", MOST_NAMES)
def test_every_field_but_the_optional_ones_is_required(name: str) -> None:
    optional = {"best_for", "url", "pros", "cons", "disclosure", "facts"}
    if name != "tool.merged":
        optional.add("into")
    if name in ("tool.merged", "reviewer.left"):
        optional.add("reason")
    for field in an_example(name):
        short = an_example(name)
        del short[field]
        if field in optional:
            read_data(name, json.dumps(short).encode())
            continue
        with pytest.raises(InvalidEvent) as caught:
            read_data(name, json.dumps(short).encode())
        assert (caught.value.code, caught.value.pointer) == ("missing-field", f"/data/{field}")
        assert repr(field) in caught.value.detail


@pytest.mark.parametrize("score", [0, 1, 99, 100])
def test_scores_go_from_0_to_100(score: int) -> None:
    assert read("review.submitted", score=score).score == score


@pytest.mark.parametrize("score", [-1, 101, 500, 88.5, "88", None, True, [88], 10**30])
def test_other_scores_are_refused(score: Any) -> None:
    assert refusal("review.submitted", score=score).pointer in ("/data/score", "/data")


@pytest.mark.parametrize(
    ("name", "field", "allowed"),
    [
        ("review.submitted", "verdict", {"ship", "skip"}),
        ("vote.cast", "choice", {"ship", "skip"}),
        ("tool.listed", "entry", {"free", "freemium", "paid"}),
    ],
)
def test_a_choice_is_one_of_its_words(name: str, field: str, allowed: set[str]) -> None:
    for word in allowed:
        assert getattr(read(name, **{field: word}), field) == word
    for unknown in ("none", "split", "Ship", "", None, 1):
        refused = refusal(name, **{field: unknown})
        assert (refused.code, refused.pointer) == ("invalid-value", f"/data/{field}")


@pytest.mark.parametrize("field", ["pros", "cons"])
def test_a_list_of_texts_points_to_the_text_that_is_wrong(field: str) -> None:
    assert getattr(read("review.submitted", **{field: ["x" * 2_000, "y"]}), field)[1] == "y"
    for unfit in ("", "x" * 2_001, 7, "a\0", None):
        refused = refusal("review.submitted", **{field: ["fine", unfit]})
        assert refused.pointer.startswith(f"/data/{field}")


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com", "https://example.com/a?b=c#d", "HTTPS://EXAMPLE.com"),
        *("https://é.fr/x", "http://a:8080/", "http://[::1]:80/", "http://127.0.0.1", "http://a./"),
        *("http://a:/", "https://a-b_c.example/", "https://例え.テスト/"),
    ],
)
def test_addresses_are_http_or_https(url: str) -> None:
    assert read("tool.listed", url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "ftp://example.com", "//example.com", "example.com", "https://"),
        *("https:///path", 'https://a.com/"x', "https://a b.com", "https://a.com/\n", ""),
        *("http://[", "http://.", "http://a:99999/", "http://a:0/", "http://a:x/", "http://a..b"),
        *("http://[::1", "http://[x]/", "http://1.2.3.256/", "http://:80/", "http://a%zz/"),
        *("http://" + "a" * 64 + ".com", "http://a@", "http://a,b/", "http://a\u200b.com/"),
        *(" https://example.com", "data:text/html,x", "https://a.com/<script>", "https://a.com/\0"),
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    assert refusal("tool.listed", url=url).pointer == "/data/url"


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(InvalidEvent) as caught:
        read_data("vote.sold", b"{}")
    assert (caught.value.code, caught.value.pointer) == ("unknown-type", "/type")
    assert "vote.sold" in caught.value.detail


def test_positions_fit_the_column_that_holds_them() -> None:
    for fits in (-(2**31), 0, 2**31 - 1):
        assert read("reviewer.joined", position=fits).position == fits
    for unfit in (-(2**31) - 1, 2**31, 1.5, "1", None):
        assert refusal("reviewer.joined", position=unfit).pointer == "/data/position"


def test_no_explanation_shows_a_pattern() -> None:
    for field, unfit in (("tool", "A"), ("name", "\0"), ("url", "x")):
        assert "(?" not in refusal("tool.listed", **{field: unfit}).detail
        assert "^" not in refusal("tool.listed", **{field: unfit}).detail


@pytest.mark.parametrize(
    ("facts", "pointer", "words"),
    [
        ({"price": {"value": None}}, "price/value", "a number, a text, true or false"),
        ({"price": {}}, "price/value", "'value' is required"),
        ({"fine": {"value": 1}, "price": {"value": {"amount": 20}}}, "price/value/amount", "str"),
        ({"price": {"value": {"amount": "2,5", "currency": "USD"}}}, "price/value/amount", "20.00"),
        ({"price": {"value": {"amount": "2", "currency": "usd"}}}, "price/value/currency", "USD"),
        ({"price": {"value": {"amount": "2"}}}, "price/value/currency", "required"),
        ({"price": {"value": ["a", 2]}}, "price/value/1", "str"),
        ({"price": {"value": " "}}, "price/value", "one line with a visible character"),
        ({"price": {"value": ["a", "\u200b"]}}, "price/value/1", "a visible character"),
        ({"price": {"value": 2**53 + 1}}, "price/value", "9007199254740992"),
        ({"price": {"value": 1, "source": "a page"}}, "price/source", "http"),
        ({"price": {"value": 1, "source": "http://a:99999/"}}, "price/source", "possible host"),
        ({"price": {"value": 1, "as_of": "soon"}}, "price/as_of", "2026-11-20"),
        ({"price": {"value": 1, "as_of": "2026-02-31"}}, "price/as_of", "calendar"),
        ({"price": {"value": 1, "mood": "good"}}, "price/mood", "Unknown field"),
        ({"Price": {"value": 1}}, "Price", "lower-case"),
        ({"price": 20}, "price", "object"),
    ],
)
def test_a_wrong_fact_is_named_by_its_key(facts: Any, pointer: str, words: str) -> None:
    refused = refusal("tool.listed", facts=facts)
    assert refused.pointer == f"/data/facts/{pointer}"
    assert words in refused.detail


def test_facts_of_every_type_are_read() -> None:
    assert {type(fact.value) for fact in read("tool.listed").facts.values()} == {
        *(int, str, bool, tuple, float, Money)
    }


def test_two_facts_of_one_key_are_refused() -> None:
    fact = {"key": "price", "label": "Price", "type": "money"}
    assert refusal("category.defined", facts=[fact, fact]).pointer == "/data/facts/1/key"


def test_a_facts_label_is_one_line() -> None:
    fact = {"key": "price", "label": "Price\nor so", "type": "money"}
    assert refusal("category.defined", facts=[fact]).pointer == "/data/facts/0/label"


@pytest.mark.parametrize(
    ("name", "field"), [("tool.merged", "tool"), ("category.removed", "category")]
)
def test_nothing_goes_into_itself(name: str, field: str) -> None:
    assert refusal(name, **{field: "same", "into": "same"}).pointer == "/data/into"
