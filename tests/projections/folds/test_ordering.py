from hypothesis import given, settings
from hypothesis import strategies as st

from projections.folds.ordering import earliest_first, lww_stamp
from tests.harness.examples import NOON, a_listing, a_vote

TIMES = st.sampled_from([-62_135_596_800_000_000, -1, 0, 1, NOON, 253_402_300_799_999_999])
IDS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=4)


def test_the_later_event_is_greater_also_before_1970() -> None:
    times = [-62_135_596_800_000_000, -256, -1, 0, 1, 255, 256, NOON]
    stamps = [lww_stamp(a_vote(time=time)) for time in times]
    assert stamps == sorted(stamps)


def test_at_one_time_ids_compare_as_utf_8() -> None:
    # UTF-16 would put the emoji before the private character, and a locale é before z.
    ids = ["A", "Z", "a", "aa", "ab", "b", "z", "é", "\uffff", "😀"]
    stamps = [lww_stamp(a_vote(id=id_)) for id_ in ids]
    assert stamps == sorted(stamps)


def test_no_id_is_taken_for_the_beginning_of_a_longer_one() -> None:
    assert lww_stamp(a_vote(id="a", voter="zzz")) < lww_stamp(a_vote(id="a\x01", voter="aaa"))


def test_at_one_time_and_id_the_data_decides() -> None:
    assert lww_stamp(a_listing(name="A")) < lww_stamp(a_listing(name="B"))


def test_equal_events_have_equal_stamps() -> None:
    assert lww_stamp(a_listing()) == lww_stamp(a_listing())


@settings(max_examples=200, deadline=None)
@given(st.tuples(TIMES, IDS), st.tuples(TIMES, IDS))
def test_the_order_of_stamps_is_that_of_time_then_id(
    first: tuple[int, str], second: tuple[int, str]
) -> None:
    stamps = [lww_stamp(a_vote(time=time, id=id_)) for time, id_ in (first, second)]
    wanted = [(time, id_.encode()) for time, id_ in (first, second)]
    assert (stamps[0] < stamps[1]) == (wanted[0] < wanted[1])
    assert (stamps[0] == stamps[1]) == (wanted[0] == wanted[1])


@settings(max_examples=200, deadline=None)
@given(st.tuples(TIMES, IDS), st.tuples(TIMES, IDS))
def test_earliest_first_turns_the_order_round(
    first: tuple[int, str], second: tuple[int, str]
) -> None:
    events = [a_vote(time=time, id=id_) for time, id_ in (first, second)]
    assert (lww_stamp(events[0]) < lww_stamp(events[1])) == (
        earliest_first(events[0]) > earliest_first(events[1])
    )


def test_an_event_without_a_newer_field_keeps_the_stamp_that_it_had_before() -> None:
    """Stored rows carry stamps of older code; a rebuild must give the same ones."""
    data = (
        b'{"best_for":null,"category":"c","description":"D","entry":"free","name":"N",'
        b'"pricing":"P","tagline":"T","tool":"t","url":null}tool.listed'
    )
    listing = a_listing("t", "N", "c", tagline="T", description="D", pricing="P", time=0, id="a")
    assert lww_stamp(listing) == b"\x80\0\0\0\0\0\0\0a\0" + data
