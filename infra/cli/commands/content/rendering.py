"""Plans, conflicts and results as lines for people and as values for programs."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from schemas.events import Data
from streams.content_files.format.writing import write_file
from streams.content_files.model import FileProblem, Kind, kind_of
from streams.content_files.push_events import can_be_removed
from streams.content_files.push_plan import PlanStep
from streams.content_files.site_content import canonical

_SIGNS = {"add": "+", "change": "~", "remove": "-", "stay": "·", "behind": "<", "conflict": "!"}
_REMOVED: dict[Kind, str] = {
    "categories": "remove the category",
    "reviewers": "let the reviewer go",
    "tools": "retire the tool",
    "reviews": "retract the review",
}
_LONGEST = 60


def step_lines(step: PlanStep, *, remove: bool) -> Iterator[str]:
    """What happens with a file, and which of its fields change."""
    yield f"{_SIGNS[step.action]} {step.path}  {_what(step, remove=remove)}"
    if step.action == "change" and step.local and step.site:
        yield from (f"    {line}" for line in _changed_fields(step.site, step.local))


def conflict_lines(step: PlanStep) -> Iterator[str]:
    """Both versions of a file, as a difference from the site's to the file's."""
    yield f"! {step.path}  {step.why}"
    yield from (f"    {line}" for line in version_lines(step.path, step.site, step.local))


def version_lines(path: str, site: Data | None, local: Data | None) -> Iterator[str]:
    """The difference from what the site says to what the file says, as `diff -u` writes it."""
    yield from difflib.unified_diff(
        write_file(site).splitlines() if site else [],
        write_file(local).splitlines() if local else [],
        f"on the site: {path}",
        f"in the file: {path}",
        lineterm="",
    )


def step_json(step: PlanStep) -> dict[str, Any]:
    """A step for a program."""
    return {
        "path": step.path,
        "action": step.action,
        "why": step.why or None,
        "file": canonical(step.local) if step.local else None,
        "site": canonical(step.site) if step.site else None,
    }


def github_lines(problems: Iterable[FileProblem], prefix: str) -> Iterator[str]:
    """Problems as workflow commands, which GitHub shows beside the lines of a pull request."""
    for problem in problems:
        file = _escape_property(f"{prefix}{problem.path}")
        yield (
            f"::{problem.level} file={file},line={problem.line},title=content"
            f"::{_escape(problem.detail)}"
        )


def _what(step: PlanStep, *, remove: bool) -> str:
    if step.action == "remove":
        if not can_be_removed(step.path):
            return "is gone here; no event takes that back"
        verb = _REMOVED[kind_of(step.path)]
        return f"is gone here: {verb}" if remove else f"is gone here; --remove would {verb}"
    texts = {
        "add": "is new",
        "change": "changes",
        "stay": f"stays home: {step.why}",
        "behind": f"is older than the site, {step.why}; pull",
        "conflict": step.why,
    }
    return texts[step.action]


def _changed_fields(site: Data, local: Data) -> Iterator[str]:
    old, new = canonical(site), canonical(local)
    for name in [name for name in local.__struct_fields__ if old.get(name) != new.get(name)]:
        yield f"{name}: {_short(old.get(name))} ▸ {_short(new.get(name))}"


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
