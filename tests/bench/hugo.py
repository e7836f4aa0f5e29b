"""The same site for Hugo: the same tools, texts and pages, with templates of the same build."""

import shutil
import subprocess
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from publishers.content.site_content import SiteContent
from publishers.views.paths import category_path, comparison_path, tool_path
from schemas.records import Category, Tool

PROGRAM = Path(".cache/bench/lib")
LAYOUTS = Path(__file__).parent / "peers" / "hugo"


def program() -> str | None:
    """Hugo's own binary: that of `make bench`, else the system's."""
    packed = sorted(PROGRAM.glob("python*/site-packages/hugo/binaries/hugo*"))
    return str(packed[0]) if packed else shutil.which("hugo")


def write_site(library: SiteContent, folder: Path) -> None:
    """Write the content: data of all tools once, and per page a small file that names its tools.

    Cards and reviews are rendered once by `partialCached`, as Hugo's guide to fast sites has it.
    """
    shutil.copytree(LAYOUTS, folder)
    tools = {tool.tool: tool for tool in library.tools()}
    _write(folder / "data" / "tools.json", tools)
    _write(folder / "data" / "reviewers.json", library.reviewers())
    for category in library.categories():
        _write_category(folder, category, library.tools_in(category.category))
    for reviewer in library.reviewers():
        named = {"title": reviewer.name, "reviewer": reviewer.reviewer}
        _page(folder, f"/reviewers/{reviewer.reviewer}/", named)
    _page(folder, "/about/", {"title": "About", "description": "How verdicts work."})


def _write_category(folder: Path, category: Category, tools: list[Tool]) -> None:
    pairs = []
    for first, other in combinations(sorted(tools, key=lambda tool: tool.tool), 2):
        path = comparison_path(first.tool, other.tool)
        pairs.append({"a": first.tool, "b": other.tool, "path": path})
        about_pair = f"{first.name} and {other.name} side by side: verdicts, prices and reviews."
        title = f"{first.name} vs {other.name}"
        front = {"title": title, "description": about_pair, "a": first.tool, "b": other.tool}
        _page(folder, path, front)
    for tool in tools:
        beside = [rival.tool for rival in tools if rival is not tool]
        rivals = [{"tool": rival, "path": comparison_path(tool.tool, rival)} for rival in beside]
        front = {"title": tool.name, "description": tool.tagline, "tool": tool.tool}
        _page(folder, tool_path(tool.tool), {**front, "rivals": rivals})
    front_matter = {"title": category.name, "description": category.description, "pairs": pairs}
    path = category_path(category.category)
    _page(folder, path, {**front_matter, "tools": [tool.tool for tool in tools]})


def _page(folder: Path, path: str, front: dict[str, Any]) -> None:
    """A page without a text of its own; its front matter in JSON, which Hugo reads too."""
    _write(folder / "content" / f"{path.strip('/')}.md", front)


def _write(file: Path, value: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(value)))


def build(hugo: str, folder: Path) -> float:
    """Build the whole site into an empty folder; seconds."""
    shutil.rmtree(folder / "public", ignore_errors=True)
    began = time.monotonic()
    subprocess.run([hugo, "--quiet", "--source", str(folder)], check=True)
    return time.monotonic() - began
