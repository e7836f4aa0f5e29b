"""Long lists in pages that a person can take in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

PAGE_SIZE = 50
MAX_PAGE = 1_000_000

Item = TypeVar("Item")
Shown = TypeVar("Shown")
Query = Mapping[str, str]
"""What the address asks of a list, by name; a name occurs once, and no value is empty."""


class ListPage(NamedTuple, Generic[Item]):
    """One page of a list.

    Attributes:
        items: What is on it.
        total: How many items all pages have.
        number: Counted from 1.
        pages: How many pages there are, at least 1.
        previous: Address of the page before; empty on the first.
        next: Address of the page after; empty on the last.
    """

    items: list[Item]
    total: int
    number: int
    pages: int
    previous: str
    next: str

    def map(self, show: Callable[[Item], Shown]) -> "ListPage[Shown]":
        """The same page with each item as something else."""
        items = [show(item) for item in self.items]
        return ListPage(items, self.total, self.number, self.pages, self.previous, self.next)


def list_page(items: Sequence[Item], path: str, query: Query | None = None) -> ListPage[Item]:
    """The page that a query asks for; the last one where it asks for one behind it."""
    query = query or {}
    pages = max(1, -(-len(items) // PAGE_SIZE))
    number = min(_number(query.get("page", "")), pages)
    begin = (number - 1) * PAGE_SIZE
    return ListPage(
        items=list(items[begin : begin + PAGE_SIZE]),
        total=len(items),
        number=number,
        pages=pages,
        previous=_address(path, query, number - 1) if number > 1 else "",
        next=_address(path, query, number + 1) if number < pages else "",
    )


def _number(text: str) -> int:
    return min(max(1, int(text)), MAX_PAGE) if text.isascii() and text.isdigit() else 1


def _address(path: str, query: Query, number: int) -> str:
    others = {name: value for name, value in query.items() if name != "page"}
    pairs = others | ({"page": str(number)} if number > 1 else {})
    return f"{path}?{urlencode(pairs)}" if pairs else path
