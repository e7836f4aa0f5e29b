"""What a person can do with one tool's part of a page, and see there."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, Response, expect


class Card:
    """The part of a page that is about one tool, as the person in front of it sees it."""

    def __init__(self, page: Page, tool: str) -> None:
        self.page, self.tool = page, tool
        self.root = page.locator(f"article[data-tool={tool}]")

    def button(self, name: str) -> Locator:
        """`Ship`, `Skip` or `Bookmark`."""
        return self.root.get_by_role("button", name=name)

    def press(self, name: str) -> None:
        """Press a button; what the page then shows may be a promise of the page alone."""
        self.button(name).click()

    def choose(self, name: str) -> None:
        """Press a button, and return when the server has counted it."""
        with self.counted():
            self.press(name)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What is done in here ends when the server has answered a choice on this tool."""

        def is_answer(response: Response) -> bool:
            return response.request.method in ("PUT", "DELETE") and self.tool in response.url

        with self.page.expect_response(is_answer) as answer:
            yield
        assert answer.value.ok, answer.value.text()

    def expect_counts(self, **counts: int) -> None:
        """`ship=2` means: the number on the button Ship becomes 2."""
        for name, count in counts.items():
            number = self.button(name.capitalize()).locator(".number")
            expect(number).to_have_text(str(count))

    def expect_pressed(self, *names: str) -> None:
        """Exactly these buttons become marked as one's own."""
        for name in ("Ship", "Skip", "Bookmark"):
            wanted = str(name in names).lower()
            expect(self.button(name)).to_have_attribute("aria-pressed", wanted)


class Drawer:
    """The bookmarks that open over a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.opener = page.get_by_role("link", name="Bookmarks")
        self.root = page.get_by_role("dialog", name="Bookmarks")

    def open(self) -> None:
        self.opener.click()
        expect(self.root).to_be_visible()

    def close(self) -> None:
        self.page.keyboard.press("Escape")
        expect(self.root).to_be_hidden()
