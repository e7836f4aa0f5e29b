"""The version of a comparison changes with what the comparison shows."""

from collections.abc import Hashable

import pytest
from sqlalchemy import Engine

from publishers.content.content_version import read_version
from schemas.topics import CATALOG, REVIEWS, VOTES
from tests.harness.examples import a_listing, a_review, a_reviewer, a_vote
from tests.harness.journal import Journal

pytestmark = pytest.mark.integration


def test_votes_on_its_tools_and_any_edit_change_a_version(projected: Engine) -> None:
    catalog, reviews, votes = (
        Journal(projected, (topic.name, 0)) for topic in (CATALOG, REVIEWS, VOTES)
    )

    def version() -> Hashable:
        with projected.connect() as connection:
            return read_version(connection, ["ant", "bee"])

    catalog.apply(*(a_listing(slug, slug.title(), "insects") for slug in ("ant", "bee", "cat")))
    seen = [version()]
    assert version() == seen[0]
    votes.apply(a_vote(tool="bee"))
    seen.append(version())
    catalog.apply(a_reviewer("ann", "Ann", 1))
    seen.append(version())
    reviews.apply(a_review(70, tool="cat", reviewer="ann"))
    seen.append(version())
    assert len(set(seen)) == 4
    votes.apply(a_vote(tool="cat", voter="another"))
    assert version() == seen[-1]
