"""What a push sends and what a pull writes, by what files, site and memory say."""

import msgspec
import pytest

from schemas.events import (
    CategoryDefined,
    Data,
    ReviewRetracted,
    ReviewSubmitted,
    ToolListed,
    ToolRetired,
)
from streams.content_files.model import ContentFile, path_of
from streams.content_files.pull_plan import plan_pull
from streams.content_files.push_events import push_events
from streams.content_files.push_plan import make_plan, to_send
from streams.content_files.site_content import digest_of

OLD = CategoryDefined("a", "A", "Old.")
NEW = CategoryDefined("a", "A", "New.")
OTHER = CategoryDefined("a", "A", "Other.")
TOOL = ToolListed("t", "T", "a", "Tag.", "Text.", "Free.", "free")
REVIEW = ReviewSubmitted("t", "r", 88, "ship", "Good.")
PATH = "categories/a.md"


def files(*contents: Data, draft: bool = False, publish: int | None = None) -> dict:
    return {path_of(data): ContentFile(path_of(data), data, draft, publish) for data in contents}


def site(*contents: Data) -> dict[str, Data]:
    return {path_of(data): data for data in contents}


def base(*contents: Data) -> dict[str, str]:
    return {path_of(data): digest_of(data) for data in contents}


@pytest.mark.parametrize(
    ("local", "remote", "before", "action"),
    [
        (NEW, None, None, "add"),
        (NEW, OLD, OLD, "change"),
        (OLD, OLD, None, None),
        (OLD, OLD, NEW, None),
        (OLD, NEW, OLD, "behind"),
        (NEW, OTHER, OLD, "conflict"),
        (NEW, OLD, None, "conflict"),
        (None, OLD, OLD, "remove"),
        (None, OLD, None, "behind"),
        (None, NEW, OLD, "conflict"),
        (OLD, None, OLD, "behind"),
        (NEW, None, OLD, "conflict"),
    ],
)
def test_only_what_the_files_alone_have_changed_is_sent(
    local: Data | None, remote: Data | None, before: Data | None, action: str | None
) -> None:
    plan = make_plan(
        files(*([local] if local else [])),
        site(*([remote] if remote else [])),
        base(*([before] if before else [])),
        now=0,
    )
    assert [step.action for step in plan] == ([action] if action else [])


@pytest.mark.parametrize(
    ("local", "remote", "before", "action"),
    [
        (None, OLD, None, "write"),
        (OLD, OLD, None, "same"),
        (OLD, NEW, OLD, "write"),
        (NEW, OLD, OLD, "keep"),
        (NEW, OTHER, OLD, "conflict"),
        (NEW, OLD, None, "conflict"),
        (None, OLD, OLD, "keep"),
        (None, NEW, OLD, "write"),
        (OLD, None, OLD, "delete"),
        (NEW, None, OLD, "conflict"),
        (NEW, None, None, "keep"),
    ],
)
def test_a_pull_never_loses_an_edit(
    local: Data | None, remote: Data | None, before: Data | None, action: str
) -> None:
    (update,) = plan_pull(
        files(*([local] if local else [])),
        {},
        site(*([remote] if remote else [])),
        base(*([before] if before else [])),
    )
    assert update.action == action


def test_a_pull_leaves_drafts_and_files_with_errors_alone() -> None:
    (draft,) = plan_pull(files(NEW, draft=True), {}, site(OLD), base(OLD))
    (broken,) = plan_pull({}, {PATH: "no front matter"}, site(OLD), base(OLD))
    (changed,) = plan_pull({}, {PATH: "no front matter"}, site(OTHER), base(OLD))
    assert [draft.action, broken.action, changed.action] == ["keep", "keep", "conflict"]


def test_a_draft_stays_home_and_what_refers_to_it_too() -> None:
    contents = files(TOOL, draft=True) | files(REVIEW)
    plan = make_plan(contents, site(OLD), base(OLD), now=0)
    assert [(step.path, step.action, step.why) for step in plan if step.action == "stay"] == [
        ("tools/t.md", "stay", "it is a draft"),
        ("reviews/t/r.md", "stay", "it waits for tools/t.md"),
    ]


def test_a_file_with_a_time_is_sent_by_the_first_push_after_it() -> None:
    contents = files(NEW, publish=100)
    actions = [[step.action for step in make_plan(contents, {}, {}, now=now)] for now in (99, 100)]
    assert actions == [["stay"], ["add"]]


def test_a_draft_of_something_on_the_site_is_neither_sent_nor_removed() -> None:
    (step,) = make_plan(files(NEW, draft=True), site(OLD), base(OLD), now=0)
    assert step.action == "stay"


def test_what_others_refer_to_is_sent_first() -> None:
    plan = make_plan(files(REVIEW, TOOL, NEW), {}, {}, now=0)
    assert [step.path for step in to_send(plan, remove=False)] == [
        PATH, "tools/t.md", "reviews/t/r.md",
    ]  # fmt: skip


def test_a_removed_file_is_a_retirement_or_retraction_only_when_asked() -> None:
    plan = make_plan({}, site(REVIEW), base(REVIEW), now=0)
    assert to_send(plan, remove=False) == []
    (event,) = push_events(to_send(plan, remove=True), "Gone.", {}, 7, 0)
    assert event.event.data == ReviewRetracted("t", "r", "Gone.")


def test_a_removed_tool_takes_its_reviews_along() -> None:
    plan = make_plan({}, site(TOOL, REVIEW), base(TOOL, REVIEW), now=0)
    (event,) = push_events(to_send(plan, remove=True), "Gone.", {}, 7, 0)
    assert event.event.data == ToolRetired("t", "Gone.")


def test_ids_are_a_function_of_path_and_content() -> None:
    def ids(remote: Data, local: Data) -> list[str]:
        plan = make_plan(files(local), site(remote), base(remote), now=0)
        return [event.event.id for event in push_events(plan, "", {}, 7, 0)]

    assert ids(OLD, NEW) == ids(OLD, NEW)
    assert ids(OLD, NEW) != ids(OTHER, NEW)  # content that comes back is another event
    assert ids(OLD, NEW) != ids(OLD, OTHER)


def test_an_event_keeps_its_time_from_preview_to_push() -> None:
    plan = make_plan(files(TOOL, NEW), {}, {}, now=0)
    stamps: dict[str, int] = {}
    shown = push_events(plan, "", stamps, 1_000, 0)
    assert [event.event.time for event in shown] == [1_000, 1_001]
    assert push_events(plan, "", stamps, 2_000, 500) == shown
    assert push_events(plan, "", stamps, 9_000, 8_000) != shown  # too old to be shown as new


def test_a_best_for_that_repeats_the_tagline_is_the_same_content() -> None:
    repeated = msgspec.structs.replace(TOOL, best_for=TOOL.tagline)
    assert digest_of(repeated) == digest_of(TOOL)
    assert make_plan(files(repeated), site(TOOL), {}, now=0) == []
