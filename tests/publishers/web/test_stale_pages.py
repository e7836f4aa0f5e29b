"""What is rendered on request, how often, and what is served when that cannot be."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from sqlalchemy.exc import OperationalError

from projections.write.dirty_records import Mark
from publishers.web.responses import SiteResponse
from publishers.web.stale_pages import (
    MAX_WAITING,
    MOST_MARKS,
    OVERLOAD_AGE,
    PAUSE_AFTER_ERROR,
    StalePages,
    concerned,
)

T = TypeVar("T")
PAGE, COMPARISON = "/tools/zed/", "/compare/cursor-vs-zed/"
VOTED = Mark(1, "tool", "zed", "editors")


class Database:
    """Marks and pages; each render shows how many changes there were when it began."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.changes = 0
        self.fault: Exception | None = None
        self.reads = 0
        self.rendered: list[str] = []
        self.hold: asyncio.Event | None = None
        self.now = 100.0
        self.written = 0

    def change(self, mark: Mark) -> None:
        self.changes += 1
        self.marks.append(mark._replace(id=self.changes))

    async def read_marks(self, limit: int) -> list[Mark]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.fault:
            raise self.fault
        return self.marks[-limit:]

    async def render(self, path: str) -> SiteResponse:
        self.rendered.append(path)
        body = f"{path} after {self.changes} changes".encode()
        if self.hold:
            await self.hold.wait()
        return SiteResponse(HTTPStatus.OK, body)

    async def file_version(self, _: str) -> int:
        return self.written

    def pages(self, renderers: int = 2) -> StalePages:
        return StalePages(
            self.read_marks, self.file_version, self.render, renderers, lambda: self.now
        )


@pytest.fixture
def database() -> Database:
    return Database()


def run(test: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(test())


def body(response: SiteResponse | None) -> bytes | None:
    return response and response.body


def test_a_page_without_marks_is_served_from_its_file(database: Database) -> None:
    assert run(lambda: database.pages().respond(PAGE)) is None
    assert database.rendered == []


def test_a_page_of_a_changed_tool_is_rendered(database: Database) -> None:
    database.change(VOTED)
    pages = database.pages()
    for path in (PAGE, COMPARISON, PAGE + "index.json", "/", "/categories/editors/"):
        assert body(run(partial(pages.respond, path))) == f"{path} after 1 changes".encode()


@pytest.mark.parametrize(
    "path",
    ["/tools/cursor/", "/compare/a-vs-b/", "/categories/chats/", "/sitemap.xml", "/static/x.css"],
)
def test_a_page_that_does_not_show_the_vote_is_served_from_its_file(
    database: Database, path: str
) -> None:
    database.change(VOTED)
    assert run(lambda: database.pages().respond(path)) is None


def test_a_page_is_rendered_once_per_version(database: Database) -> None:
    pages = database.pages()

    async def visits() -> list[bytes | None]:
        database.change(VOTED)
        before = [body(await pages.respond(PAGE)) for _ in range(3)]
        database.change(VOTED)
        return [*before, body(await pages.respond(PAGE))]

    assert run(visits) == [f"{PAGE} after {count} changes".encode() for count in (1, 1, 1, 2)]
    assert len(database.rendered) == 2


def test_a_page_is_rendered_again_after_a_mark_that_came_and_went(database: Database) -> None:
    pages = database.pages()

    async def visits() -> list[bytes | None]:
        database.change(Mark(1, "site", "", None))  # a check of all files, under way for long
        before = body(await pages.respond(PAGE))
        database.change(VOTED)
        database.marks.pop()
        database.written += 1
        return [before, body(await pages.respond(PAGE))]

    assert run(visits) == [f"{PAGE} after {count} changes".encode() for count in (1, 2)]


def test_visitors_at_once_share_one_look_and_one_render(database: Database) -> None:
    database.change(VOTED)
    pages = database.pages()

    async def visits() -> list[SiteResponse | None]:
        return await asyncio.gather(*(pages.respond(PAGE) for _ in range(50)))

    assert {body(each) for each in run(visits)} == {f"{PAGE} after 1 changes".encode()}
    assert (database.reads, len(database.rendered)) == (1, 1)


def test_a_visitor_who_comes_during_a_render_gets_a_later_one(database: Database) -> None:
    """The render under way opened its snapshot before this visitor's vote."""
    database.change(VOTED)
    pages = database.pages()

    async def visits() -> tuple[bytes | None, bytes | None]:
        database.hold = asyncio.Event()
        first = asyncio.create_task(pages.respond(PAGE))
        while not database.rendered:
            await asyncio.sleep(0)
        database.change(VOTED)
        second = asyncio.create_task(pages.respond(PAGE))
        while database.reads < 2:
            await asyncio.sleep(0)
        database.hold.set()
        return body(await first), body(await second)

    assert run(visits) == tuple(f"{PAGE} after {count} changes".encode() for count in (1, 2))


def test_a_change_that_commits_late_with_a_lower_id_is_seen(database: Database) -> None:
    pages = database.pages()

    async def visits() -> bytes | None:
        database.marks = [VOTED._replace(id=7)]
        await pages.respond(PAGE)
        database.marks.append(VOTED._replace(id=6))
        database.changes = 2
        return body(await pages.respond(PAGE))

    assert run(visits) == f"{PAGE} after 2 changes".encode()


def test_more_marks_than_are_looked_at_make_every_page_stale(database: Database) -> None:
    other = [Mark(number, "tool", "cursor", "chats") for number in range(MOST_MARKS)]
    assert concerned(PAGE, other[1:]) == frozenset()
    assert concerned(PAGE, other)


@pytest.mark.parametrize("kind", ["site", "category", "reviewer", "digest"])
def test_marks_of_other_records_make_every_page_stale(kind: str) -> None:
    assert concerned(PAGE, [Mark(1, kind, "any", None)])


def test_the_stored_file_is_served_while_the_database_is_away(database: Database) -> None:
    pages = database.pages()
    database.change(VOTED)
    database.fault = OperationalError("", {}, Exception("away"))

    async def visits() -> list[SiteResponse | None]:
        return [await pages.respond(PAGE) for _ in range(3)]

    assert run(visits) == [None, None, None]
    assert database.reads == 1  # the database is not asked by every visitor
    database.fault = None
    database.now += PAUSE_AFTER_ERROR
    assert run(lambda: database.pages().respond(PAGE)) is not None


def test_busy_renderers_let_a_recent_page_do(database: Database) -> None:
    database.change(VOTED)
    pages = database.pages(renderers=1)

    async def visits() -> tuple[bytes | None, bytes | None]:
        await pages.respond(PAGE)
        database.hold = asyncio.Event()
        busy = asyncio.create_task(pages.respond("/"))
        while len(database.rendered) < 2:
            await asyncio.sleep(0)
        database.change(VOTED)
        database.now += OVERLOAD_AGE
        recent = body(await pages.respond(PAGE))
        database.now += 0.01
        late = asyncio.create_task(pages.respond(PAGE))
        await asyncio.sleep(0)
        database.hold.set()
        await busy
        return recent, body(await late)

    assert run(visits) == tuple(f"{PAGE} after {count} changes".encode() for count in (1, 2))


def test_no_more_requests_wait_than_are_bearable(database: Database) -> None:
    pages = database.pages()

    async def visits() -> list[SiteResponse | None]:
        database.change(VOTED)
        database.hold = asyncio.Event()
        tasks = [asyncio.create_task(pages.respond(PAGE)) for _ in range(MAX_WAITING + 1)]
        while not any(task.done() for task in tasks):
            await asyncio.sleep(0)
        database.hold.set()
        return await asyncio.gather(*tasks)

    assert run(visits).count(None) == 1
