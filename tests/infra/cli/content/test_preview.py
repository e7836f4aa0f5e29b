"""A preview shows the bytes that a push publishes."""

import urllib.error
import urllib.request

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from infra.cli.commands.content.preview_site import INDEX, make_preview, serving
from infra.settings import Settings
from projections.read.categories import list_categories
from projections.read.reviewers import list_reviewers
from projections.read.tools import list_tools
from publishers.content import content_cache
from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from schemas.events import CategoryDefined, Data, ReviewerJoined, ReviewSubmitted, ToolListed
from streams.content_files.checks import check_folder
from streams.content_files.format.writing import write_file
from streams.content_files.model import path_of
from streams.content_files.push_events import PushEvent, push_events
from streams.content_files.push_plan import make_plan, to_send
from streams.content_files.site_content import SiteRecords, digest_of
from tests.conftest import empty
from tests.harness.examples import NOON, a_bookmark, a_vote
from tests.harness.journal import Journal
from tests.harness.thoroughness import examples

pytestmark = pytest.mark.integration
URL = "https://verdicts.example"
EDITS_IN_A_ROW = 8
EXAMPLES = examples(8, 60)

slugs = st.sampled_from(["alpha", "beta"])
panel = st.sampled_from(["builder", "skeptic"])
lines = st.sampled_from(["Fast.", "Slow: very", "A *b* <c>", "é 漢字", "x" * 90])
texts = st.sampled_from(["It works.", "One.\n\n- two\n- three", "`code` & <b>", "[a](https://b.c)"])
edits = st.one_of(
    st.builds(CategoryDefined, category=slugs, name=lines, description=texts),
    st.builds(
        ToolListed, tool=slugs, name=lines, category=slugs, tagline=lines, description=texts,
        pricing=lines, entry=st.sampled_from(["free", "paid"]), best_for=st.none() | lines,
    ),
    st.builds(ReviewerJoined, reviewer=panel, name=lines, motto=lines, position=st.integers(1, 3)),
    st.builds(
        ReviewSubmitted, tool=slugs, reviewer=panel, score=st.integers(0, 100),
        verdict=st.sampled_from(["ship", "skip"]), body=texts,
        pros=st.lists(lines, max_size=2).map(tuple), disclosure=st.none() | lines,
    ),
    st.sampled_from(["tools/alpha.md", "reviews/alpha/builder.md", "reviews/beta/skeptic.md"]),
)  # fmt: skip


class EditedSite:
    """Content files, and the projections that they are pushed to."""

    def __init__(self, engine: Engine) -> None:
        empty(engine)
        self.engine, self.journal = engine, Journal(engine)
        self.contents: dict[str, str] = {}
        self.base: dict[str, str] = {}
        self.now = NOON
        self.journal.apply(a_vote(tool="alpha"), a_bookmark(tool="beta"))

    def edit(self, change: Data | str) -> list[PushEvent]:
        """Write or remove a file; returns the events of a push."""
        if isinstance(change, str):
            self.contents.pop(change, None)
        else:
            self.contents[path_of(change)] = write_file(change)
        self.now += 3_600_000_000
        files = check_folder(self.contents).files
        plan = make_plan(files, self.site().files(), self.base, self.now)
        self.base |= {path: digest_of(file.data) for path, file in files.items()}
        return push_events(to_send(plan, remove=True), "Gone.", {}, self.now, 0)

    def site(self) -> SiteRecords:
        with self.engine.connect() as connection:
            return SiteRecords(
                list_categories(connection), list_reviewers(connection), list_tools(connection)
            )

    def content(self) -> InMemoryContent:
        with self.engine.connect() as connection:
            return content_cache.load(connection)


def pages(content: InMemoryContent) -> dict[str, bytes | None]:
    return {
        path: catalogue.render(content, path, URL)
        for path in catalogue.page_paths(content)
        if not path.startswith("/static/")
    }


@pytest.fixture
def edited_site(projected: Engine) -> EditedSite:
    return EditedSite(projected)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking renders for minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(edits, min_size=EDITS_IN_A_ROW, max_size=EDITS_IN_A_ROW))
def test_a_preview_has_the_bytes_that_a_push_publishes(
    projected: Engine, changes: list[Data | str]
) -> None:
    site = EditedSite(projected)
    before = pages(site.content())
    for change in changes:
        events = [each.event for each in site.edit(change)]
        preview = make_preview(projected, events, URL)
        site.journal.apply(*events)
        published = pages(site.content())
        assert pages(preview.content) == published
        people = {path for path in published if catalogue.is_for_people(path)}
        assert set(preview.differences.appear) == people - set(before)
        changed = {path for path in people & set(before) if before[path] != published[path]}
        assert set(preview.differences.change) == changed
        before = published


def test_a_preview_leaves_nothing_behind_and_locks_no_row(edited_site: EditedSite) -> None:
    site = edited_site
    site.journal.apply(*(each.event for each in site.edit(CategoryDefined("alpha", "A", "Text."))))
    before = site.journal.rows("categories"), site.journal.rows("tallies"), site.journal.outbox()
    events = [each.event for each in site.edit(CategoryDefined("alpha", "B", "Other."))]
    make_preview(site.engine, events, URL)
    assert (site.journal.rows("categories"), site.journal.rows("tallies")) == before[:2]
    assert site.journal.outbox() == []
    with site.engine.connect() as connection:
        query = text("select count(*) from pg_class where relpersistence = 't'")
        assert connection.scalar(query) == 0


def test_a_preview_is_served_with_a_list_of_what_is_new(edited_site: EditedSite) -> None:
    site = edited_site
    for change in (
        CategoryDefined("alpha", "A", "Text."),
        ToolListed("alpha", "Alpha", "alpha", "T.", "D.", "P.", "free"),
    ):
        events = [each.event for each in site.edit(change)]
        preview = make_preview(site.engine, events, URL)
        if isinstance(change, CategoryDefined):
            site.journal.apply(*events)
    with serving(preview, Settings.from_environment({"VERDICTS_PUBLIC_URL": URL}), 0) as address:
        root = address.removesuffix(INDEX)
        index = urllib.request.urlopen(address).read().decode()
        assert '<td>new<td><a href="/tools/alpha/">' in index
        body = urllib.request.urlopen(f"{root}/tools/alpha/").read()
        assert body == catalogue.render(preview.content, "/tools/alpha/", URL)
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(f"{root}/tools/beta/")
        assert missing.value.code == 404
        rebound = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(rebound)
        assert refused.value.code == 421
