"""Everything that is wrong in a folder of content files, at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from schemas.events import CategoryDefined, ReviewSubmitted, ToolListed
from schemas.facts.checks import check_facts
from streams.content_files.format.parsing import parse_all
from streams.content_files.format.wording import unknown_slug
from streams.content_files.markdown_checks import find_raw_markdown
from streams.content_files.model import (
    KINDS,
    ContentFile,
    FileProblem,
    Kind,
    kind_of,
    slugs_in,
)

KnownSlugs = Mapping[Kind, Collection[str]]
_NAMES: Mapping[Kind, str] = {"categories": "category", "tools": "tool", "reviewers": "reviewer"}


class CheckedFolder(NamedTuple):
    """The readable files by path, and all problems in the order of files and lines."""

    files: Mapping[str, ContentFile]
    problems: list[FileProblem]

    @property
    def errors(self) -> list[FileProblem]:
        """The problems with which nothing can be sent."""
        return [problem for problem in self.problems if problem.level == "error"]


def check_folder(contents: Mapping[str, str], on_site: KnownSlugs | None = None) -> CheckedFolder:
    """Parse and check all files.

    Args:
        contents: The files' texts by path.
        on_site: Slugs that a site knows, which files may refer to as well.
    """
    parsed = list(parse_all(contents))
    problems = [problem for each in parsed for problem in each.problems]
    files = {each.file.path: each.file for each in parsed if each.file}
    known = _known_slugs(contents, on_site or {})
    for file in files.values():
        problems += _unknown_references(file, known)
        problems += _raw_markdown(file)
        problems += _facts_that_no_page_shows(file, files)
    return CheckedFolder(files, sorted(problems))


def references_of(file: ContentFile) -> Iterable[tuple[str, Kind, str]]:
    """What a file refers to: the field, the folder and the slug."""
    if isinstance(file.data, ToolListed):
        return (("category", "categories", file.data.category),)
    if isinstance(file.data, ReviewSubmitted):
        return (
            ("tool", "tools", file.data.tool),
            ("reviewer", "reviewers", file.data.reviewer),
        )
    return ()


def _known_slugs(paths: Iterable[str], on_site: KnownSlugs) -> dict[Kind, set[str]]:
    """The slugs of all files, also of those with errors, which would else bring more errors."""
    known: dict[Kind, set[str]] = {kind: set(on_site.get(kind, ())) for kind in KINDS}
    for path in paths:
        if (slugs := slugs_in(path)) and len(slugs) == 1:
            known[kind_of(path)] |= {*slugs.values()}
    return known


def _unknown_references(file: ContentFile, known: Mapping[Kind, set[str]]) -> Iterator[FileProblem]:
    for field, kind, slug in references_of(file):
        if slug not in known[kind]:
            detail = unknown_slug(field, slug, _NAMES[kind], known[kind])
            yield FileProblem(file.path, file.lines.get(field, 1), "error", detail)


def _raw_markdown(file: ContentFile) -> Iterator[FileProblem]:
    field = KINDS[kind_of(file.path)].text
    if field is None:
        return
    for line, name in find_raw_markdown(getattr(file.data, field)):
        detail = f"{field}: readers would see this as raw text: {name}"
        yield FileProblem(file.path, file.lines.get(field, 1) + line, "warning", detail)


def _facts_that_no_page_shows(
    file: ContentFile, files: Mapping[str, ContentFile]
) -> Iterator[FileProblem]:
    """Facts that the category does not name, or of another type than it says."""
    if not isinstance(file.data, ToolListed):
        return
    category = files.get(f"categories/{file.data.category}.md")
    if category is None or not isinstance(category.data, CategoryDefined):
        return
    for warning in check_facts(file.data.facts or {}, category.data.facts or ()):
        name = warning.pointer.removeprefix("/data/")
        line = file.lines.get(name, file.lines.get("facts", 1))
        detail = f"{name.replace('/', '.')}: {warning.detail}"
        yield FileProblem(file.path, line, "warning", detail)
