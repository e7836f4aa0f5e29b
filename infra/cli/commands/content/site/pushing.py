"""A push: sends what differs, remembers what it sends before it does, and waits for the pages."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from infra.cli.commands.content.site.folder import ContentFolder, ContentState, forget
from infra.cli.commands.content.site.site_client import SiteClient
from infra.errors import VerdictsError
from schemas.time.instants import SECOND
from streams.content_files.checks import CheckedFolder, KnownSlugs
from streams.content_files.model import Kind, kind_of, slugs_in
from streams.content_files.push_events import PushEvent, can_be_removed, push_events
from streams.content_files.push_plan import PlanStep, make_plan, to_send
from streams.content_files.site_content import SiteRecords, digest_of

STAMP_SECONDS = 3600
"""How long a time that a preview showed, or that an interrupted push gave, is kept."""

_PAGE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PAGES: Mapping[Kind, str] = {
    "categories": "/categories/{category}/",
    "reviewers": "/reviewers/{reviewer}/",
    "tools": "/tools/{tool}/",
    "reviews": "/tools/{tool}/",
}
_GONE = {404, 410}


class ContentComparison(msgspec.Struct):
    """Files, site and state, and the plan that follows from them."""

    checked: CheckedFolder
    site: SiteRecords
    state: ContentState
    plan: list[PlanStep]


def compare(
    folder: ContentFolder, client: SiteClient, base: Mapping[str, str] | None, now: int
) -> ContentComparison:
    """Read both sides and make the plan.

    Args:
        folder: The files.
        client: The site.
        base: Digests of the content as of the last push, for files that the folder does not
            remember.
        now: Microseconds since 1970.
    """
    contents = folder.read()  # before the site, so that a wrong folder is told at once
    site = client.read()
    state = folder.read_state(client.url)
    checked = folder.check(slugs_on(site))
    unreadable = [path for path in contents if path not in checked.files]
    known = {**(base or {}), **state.base}
    plan = make_plan(checked.files, site.files(), known, now, unreadable)
    return ContentComparison(checked, site, state, plan)


def slugs_on(site: SiteRecords) -> KnownSlugs:
    """The slugs that a site knows."""
    return {
        "categories": [category.category for category in site.categories],
        "reviewers": [reviewer.reviewer for reviewer in site.reviewers],
        "tools": [tool.tool for tool in site.tools],
    }


def events_of(
    comparison: ContentComparison, now: int, reason: str, *, remove: bool
) -> tuple[list[PlanStep], list[PushEvent]]:
    """The steps that are sent and their events; new stamps are added to the state."""
    steps = [
        step
        for step in to_send(comparison.plan, remove=remove)
        if step.local is not None or can_be_removed(step.path)
    ]
    renew_before = now - STAMP_SECONDS * SECOND
    stamps = comparison.state.stamps
    return steps, push_events(steps, reason, stamps, now, renew_before)


class Push:
    """One push.

    Args:
        folder: Remembers what is under way.
        client: Sends and reads.
        clock: Seconds that only go forward.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        folder: ContentFolder,
        client: SiteClient,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._client = folder, client
        self._clock, self._sleep = clock, sleep

    def send(
        self, state: ContentState, steps: Sequence[PlanStep], events: Sequence[PushEvent]
    ) -> list[dict[str, Any]]:
        """Send events, then note what file and site agree on; returns the results.

        The ids and times are on disk before the first event is sent: after a kill, the next push
        sends the same events.
        """
        if not events:
            return []
        self._folder.write_state(state)
        results = self._client.send(events)
        self._note(state, steps, events, results)
        return results

    def wait_for_pages(self, steps: Sequence[PlanStep]) -> None:
        """Return once the site shows every file as it is, and its pages answer.

        Raises:
            VerdictsError: Not within a minute; the sentence names the first page that is missing.
        """
        deadline = self._clock() + _PAGE_SECONDS
        while missing := self._first_missing(steps):
            if self._clock() > deadline:
                raise VerdictsError(
                    f"Everything is sent, but {self._client.url}{missing} does not show it yet; "
                    "see `verdicts status`."
                )
            self._sleep(_POLL_SECONDS)

    def _note(
        self,
        state: ContentState,
        steps: Sequence[PlanStep],
        events: Sequence[PushEvent],
        results: Sequence[Mapping[str, Any]],
    ) -> None:
        by_path = {step.path: step for step in steps}
        for event, result in zip(events, results, strict=True):
            if result["status"] != "accepted":
                continue
            step = by_path[event.path]
            if step.local is None:
                state.base.pop(event.path, None)
            else:
                state.base[event.path] = digest_of(step.local)
            forget(state.stamps, [event.event.id])
        self._folder.write_state(state)

    def _first_missing(self, steps: Sequence[PlanStep]) -> str | None:
        """The page of the first step that the site does not show yet."""
        shown = self._client.read().files()
        for step in steps:
            if _digest(step.local) != _digest(shown.get(step.path)):
                return page_of(step)
        return next((page for page in self._pages(steps)), None)

    def _pages(self, steps: Sequence[PlanStep]) -> Iterator[str]:
        """The pages that do not answer as they should."""
        for page in dict.fromkeys(map(page_of, steps)):
            gone = any(step.local is None and page_of(step) == page for step in steps)
            status = self._client.get(page).status_code
            if status != 200 and not (gone and status in _GONE):
                yield page


def page_of(step: PlanStep) -> str:
    """The page that shows a file first."""
    return _PAGES[kind_of(step.path)].format(**(slugs_in(step.path) or {}))


def _digest(data: Any) -> str | None:
    return digest_of(data) if data is not None else None
