import re
from io import BytesIO

import msgspec
import pytest
from PIL import Image, ImageDraw

from publishers.content.in_memory_content import InMemoryContent
from publishers.pages import catalogue
from publishers.pages.pictures import icons, social_card
from publishers.pages.pictures.drawing import drawable, fitting_lines, font
from publishers.templating.theme import Theme, current
from tests.harness.records import DEVELOPER_TOOLS, PANEL, a_tool, sample_content

SITE = "https://verdicts.example"
CONTENT = sample_content()
PAIR = next(path for path in catalogue.page_paths(CONTENT) if path.startswith("/compare/"))


def picture(path: str) -> Image.Image:
    return Image.open(BytesIO(catalogue.render(CONTENT, path, SITE) or b""))


def card_of(path: str, content: InMemoryContent = CONTENT) -> str:
    page = (catalogue.render(content, path, SITE) or b"").decode()
    (address,) = re.findall(r'property="og:image" content="([^"]*)"', page)
    return str(address)


@pytest.mark.parametrize("path", ["/tools/smolvlm-2-5/", PAIR])
def test_a_page_names_its_social_card_and_the_card_can_be_drawn(path: str) -> None:
    address = card_of(path)
    assert address.startswith(f"{SITE}{path}card.png?v=")
    card = picture(address.removeprefix(SITE).partition("?")[0])
    assert (card.format, card.size) == ("PNG", (1200, 630))


def test_cards_are_drawn_on_request_and_have_no_file() -> None:
    assert not catalogue.is_stored(CONTENT, "/tools/smolvlm-2-5/card.png")
    assert not [path for path in catalogue.page_paths(CONTENT) if path.endswith("card.png")]


def test_votes_keep_a_cards_address_and_a_new_name_changes_it() -> None:
    def address(**fields: object) -> str:
        content = InMemoryContent([a_tool(**fields)], [DEVELOPER_TOOLS], PANEL)  # type: ignore[arg-type]
        return card_of("/tools/smolvlm-2-5/", content)

    assert address() == address(version=99, bookmarks=7)
    assert address() != address(name="Another name")


def test_an_unknown_tool_has_no_card() -> None:
    assert catalogue.render(CONTENT, "/tools/unheard-of/card.png", SITE) is None
    assert catalogue.render(CONTENT, "/compare/smolvlm-2-5-vs-unheard-of/card.png", SITE) is None


def test_the_icon_has_the_sizes_that_browsers_ask_for() -> None:
    assert picture(icons.FAVICON).info["sizes"] == {(16, 16), (32, 32), (48, 48)}
    assert picture(icons.TOUCH_ICON).size == (180, 180)


@pytest.mark.parametrize("text", ["short", "W" * 300, "many words " * 40, "Łódź 東京モデル", "x"])
def test_every_line_of_a_card_fits(text: str) -> None:
    draw, face = ImageDraw.Draw(Image.new("RGB", (10, 10))), font(Theme(), 68)
    lines = fitting_lines(draw, text, face, 1056, 2)
    assert 1 <= len(lines) <= 2
    assert all(draw.textlength(line, font=face) <= 1056 for line in lines)
    assert lines[-1].endswith("…") or "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("SmolVLM 2.5", "SmolVLM 2.5"),
        ("Crème “Brûlée”", "Creme “Brulee”"),
        ("Łódź", "ernie-bot"),
        ("Rocket 🚀 Build", "Rocket Build"),
        ("文心一言", "ernie-bot"),
        ("Qwen 千问", "ernie-bot"),
        ("اختبار", "ernie-bot"),
        ("🚀", "ernie-bot"),
    ],
)
def test_a_card_shows_no_empty_boxes_for_what_its_font_lacks(name: str, shown: str) -> None:
    assert drawable(name, current(), otherwise="ernie-bot") == shown
    tool = a_tool("ernie-bot", name)
    content = InMemoryContent([tool], [DEVELOPER_TOOLS], PANEL)
    plain = InMemoryContent([msgspec.structs.replace(tool, name=shown)], [DEVELOPER_TOOLS], PANEL)
    cards = [catalogue.render(each, "/tools/ernie-bot/card.png", SITE) for each in (content, plain)]
    assert cards[0] == cards[1]


def test_the_same_content_gives_the_same_picture() -> None:
    lines = social_card.SocialCard((social_card.CardLine("A", "Ship", "#0d6537"),), "x")
    draw = social_card.draw_card.__wrapped__  # type: ignore[attr-defined]
    assert draw(lines, current()) == draw(lines, current())
