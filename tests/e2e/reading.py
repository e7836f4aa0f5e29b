"""Reads a page's HTML as served: its texts in their order, without any script."""

from html.parser import HTMLParser

UNREAD = {"head", "script", "style", "template"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        self._unread += tag in UNREAD

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.texts.append(data)


def text_of(html: str) -> str:
    """All text of a page, hidden text too, with single spaces."""
    reader = _Reader()
    reader.feed(html)
    return " ".join("".join(reader.texts).split())


def assert_in_order(text: str, wanted: list[str]) -> None:
    """Each of the wanted texts begins after the end of the one before it."""
    end = 0
    for wanted_text in wanted:
        position = text.find(wanted_text, end)
        assert position >= 0, (
            f"{wanted_text!r} does not follow; what follows is {text[end : end + 300]!r}"
        )
        end = position + len(wanted_text)
