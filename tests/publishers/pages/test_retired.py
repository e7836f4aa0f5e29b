"""No file of the site and no mail leads to a retired tool, whose pages answer 410."""

import re
from collections.abc import Iterator

import pytest
from msgspec import structs

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue, digest_mail
from publishers.pages.pictures import icons
from publishers.templating import assets
from tests.harness.digest_records import a_digest, content_with_digests

SITE = "https://verdicts.example"
RETIRED = "patchwork"


def content_with_a_retired_tool() -> InMemoryContent:
    """A site whose digests name a tool that is retired by now."""
    before = content_with_digests()
    tools = [
        structs.replace(tool, retired=tool.listed, retired_reason="Closed.")
        if tool.tool == RETIRED
        else tool
        for tool in before.tools()
    ]
    return InMemoryContent(
        tools, before.categories(), before.reviewers(), before.digests(), before.histories()
    )


CONTENT = content_with_a_retired_tool()
PATHS = sorted(
    {*catalogue.page_paths(CONTENT)} - {*assets.assets(), *assets.compressed_assets(), *icons.PATHS}
)


def links(text: str) -> Iterator[str]:
    """Addresses in HTML, XML, Markdown and plain text; the ids of feeds lead nowhere."""
    text = re.sub(r"<id>.*?</id>", "", text)
    yield from re.findall(r"/(?:tools|compare)/([a-z0-9-]+)", text)


@pytest.mark.parametrize("path", PATHS)
def test_no_file_links_to_a_retired_tool(path: str) -> None:
    text = (catalogue.render(CONTENT, path, SITE) or b"").decode()
    assert not [slug for slug in links(text) if RETIRED in slug.split("-vs-")]


def test_no_search_suggests_a_retired_tool() -> None:
    index = (catalogue.render(CONTENT, catalogue.SEARCH_INDEX, SITE) or b"").decode()
    assert RETIRED not in index.casefold()


@pytest.mark.parametrize("part", [digest_mail.html, digest_mail.text])
def test_no_mail_links_to_a_retired_tool(part: object) -> None:
    assert callable(part)
    text = part(CONTENT, SITE, a_digest())
    assert "Patchwork" in text
    assert RETIRED not in links(text)
