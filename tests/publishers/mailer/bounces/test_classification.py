"""Every message of the corpus is classified right."""

import pytest

from publishers.mailer.bounces.classification import classify
from tests.publishers.mailer.bounces.corpus import RECIPIENT, RETURN_PATH, Case, cases

CASES = list(cases())


def test_the_corpus_has_at_least_sixty_messages() -> None:
    assert len({case.content for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_returned_message_is_judged_right(case: Case) -> None:
    classified = classify(case.content)
    assert classified.kind == case.kind
    if RETURN_PATH.encode() in case.content:
        assert RETURN_PATH in classified.addresses
    if classified.recipients:
        assert classified.recipients[0].lower() == RECIPIENT
