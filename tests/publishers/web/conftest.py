"""A site on sample records."""

from pathlib import Path

import pytest

from tests.publishers.web.site_fixture import SiteFixture


@pytest.fixture
def site(tmp_path: Path) -> SiteFixture:
    return SiteFixture(tmp_path)
