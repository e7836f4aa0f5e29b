import pytest

from schemas.records import Community, Panel, mean_of, percent_of, verdict_of


@pytest.mark.parametrize(
    ("ship", "skip", "verdict"),
    [(0, 0, "none"), (1, 0, "ship"), (0, 1, "skip"), (3, 3, "split"), (4, 3, "ship")],
)
def test_the_majority_decides_and_an_equal_number_splits(
    ship: int, skip: int, verdict: str
) -> None:
    assert verdict_of(ship, skip) == verdict


@pytest.mark.parametrize(
    ("ship", "skip", "percent"),
    [
        (0, 0, None),
        (1, 0, 100),
        (0, 7, 0),
        (1, 2, 33),
        (2, 1, 67),
        (1, 7, 13),  # 12.5
        (3, 5, 38),  # 37.5
        (1, 199, 1),  # 0.5
        (1, 200, 0),
        (199, 1, 100),  # 99.5
        (10**15, 10**15, 50),
    ],
)
def test_per_cent_are_whole_and_rounded_half_up(ship: int, skip: int, percent: int | None) -> None:
    assert percent_of(ship, skip) == percent


@pytest.mark.parametrize(
    ("scores", "mean"),
    [
        ([], None),
        ([88, 82, 85, 78], 83.25),
        ([1, 1, 0], 0.67),
        ([1, 0, 0, 0, 0, 0, 0, 0], 0.13),  # 0.125
        ([100], 100.0),
    ],
)
def test_the_mean_has_two_decimals_and_is_rounded_half_up(
    scores: list[int], mean: float | None
) -> None:
    assert mean_of(scores) == mean


def test_a_tool_without_votes_or_reviews_says_so() -> None:
    assert Community.of(0, 0) == Community("none", 0, 0, 0, None)
    assert Panel.of([]) == Panel("none", 0, 0, None, None, [])
