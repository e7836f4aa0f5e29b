"""From the text of a content file to the data of its event, or to all that is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import msgspec

from schemas.event_validation import InvalidEvent, require_sound
from schemas.events import Data
from schemas.text.new_texts import broken_rule
from schemas.time import instants
from streams.content_files.format.front_matter import FrontMatter, UnreadableFile, read_front_matter
from streams.content_files.format.wording import explain_value, require_fit, unknown_key
from streams.content_files.model import (
    KINDS,
    ContentFile,
    FileProblem,
    KindOfFile,
    is_slug,
    kind_of,
    slugs_in,
)

_OWN_KEYS = ("draft", "publish")
_YES, _NO = ("true", "yes", "on"), ("false", "no", "off")
_PLACES = (
    "content files are categories/{slug}.md, tools/{slug}.md, reviewers/{slug}.md and "
    "reviews/{tool}/{reviewer}.md"
)
_NUMBERS = ("score", "position")
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")


class ParsedFile(msgspec.Struct, frozen=True):
    """What became of a file: its content, unless there are errors, and the problems."""

    file: ContentFile | None
    problems: tuple[FileProblem, ...] = ()


def parse_file(path: str, content: str) -> ParsedFile:
    """Parse a content file; `path` is below the content folder, with slashes."""
    slugs = slugs_in(path)
    if slugs is None:
        return _failed(path, 1, f"this is no place for a file: {_PLACES}")
    wrong = [slug for slug in slugs.values() if not is_slug(slug)]
    if wrong:
        expected = "lower-case letters and digits in words joined by hyphens, none of them vs"
        return _failed(path, 1, f"the name {wrong[0]!r} is no slug: {expected}")
    try:
        matter = read_front_matter(content)
    except UnreadableFile as error:
        return _failed(path, error.line, error.detail)
    return _FieldReader(path, slugs, matter).parse()


def _failed(path: str, line: int, detail: str) -> ParsedFile:
    return ParsedFile(None, (FileProblem(path, line, "error", detail),))


class _FieldReader:
    """Reads the fields of one file, and collects all errors."""

    def __init__(self, path: str, slugs: dict[str, str], matter: FrontMatter) -> None:
        self._path, self._slugs, self._matter = path, slugs, matter
        self._kind: KindOfFile = KINDS[kind_of(path)]
        self._problems: list[FileProblem] = []

    def parse(self) -> ParsedFile:
        values = self._with_text()
        fields = _fields_of(self._kind.data)
        self._require_known_keys([name for name in fields if name not in self._slugs])
        draft, publish = self._read_draft(values), self._read_publish(values)
        data = self._read_data({name: _number(name, values.get(name)) for name in fields})
        if data is None or self._problems:
            return ParsedFile(None, tuple(self._problems))
        return ParsedFile(ContentFile(self._path, data, draft, publish, self._lines()))

    def _read_data(self, values: dict[str, Any]) -> Data | None:
        given = {name: value for name, value in values.items() if value is not None}
        try:
            data = msgspec.convert(given | self._slugs, self._kind.data)
        except msgspec.ValidationError:  # it names the first error, and an editor wants all
            for name, (hint, required) in _fields_of(self._kind.data).items():
                if name not in self._slugs:
                    self._check_field(name, values[name], hint, required)
            return None
        if broken := broken_rule(data):
            name = broken.pointer.strip("/")
            self._add(name, f"{name.replace('/', '.')}: expected {broken.expected}")
        try:
            require_sound(data)
        except InvalidEvent as error:
            name = error.pointer.removeprefix("/data/")
            self._add(name, f"{name.replace('/', '.')}: {error.detail}")
        return data

    def _with_text(self) -> dict[str, Any]:
        """The values with the text below them as the field that it stands for."""
        values, text, name = self._matter.values, self._matter.text, self._kind.text
        if not text:
            return values
        if name is None:
            self._add("", "there is no text below the keys of a reviewer", self._matter.text_line)
            return values
        if values.get(name) is not None:
            self._add(name, f"{name}: it is both a key and the text below; keep one of them")
        return values | {name: text}

    def _require_known_keys(self, known: list[str]) -> None:
        for name in self._matter.values:
            if name in self._slugs:
                self._add(name, f"{name}: the file's name says this already; remove the key")
            elif name not in known and name not in _OWN_KEYS:
                self._add(name, unknown_key(name, [*known, *_OWN_KEYS]))

    def _check_field(self, name: str, value: Any, hint: Any, required: bool) -> None:
        if value is None:
            if required:
                below = name == self._kind.text
                where = "the text below the second --- is missing" if below else "it is missing"
                self._add(name, f"{name}: {where}")
            return
        try:
            require_fit(value, hint)
        except msgspec.ValidationError as error:
            for explained in explain_value(name, value, hint, error):
                self._add(explained.at, explained.sentence)

    def _read_draft(self, values: dict[str, Any]) -> bool:
        value = values.get("draft")
        if value is None:
            return False
        if not isinstance(value, str) or value.lower() not in _YES + _NO:
            self._add("draft", "draft: expected true or false")
            return False
        return value.lower() in _YES

    def _read_publish(self, values: dict[str, Any]) -> int | None:
        value = values.get("publish")
        if value is None:
            return None
        try:
            return instants.parse(value)
        except (ValueError, TypeError, AttributeError):
            example = "2026-12-01T09:00:00+01:00"
            self._add("publish", f"publish: expected a time with its offset, such as {example}")
            return None

    def _lines(self) -> dict[str, int]:
        lines = dict(self._matter.lines)
        if self._kind.text and self._matter.text:
            lines[self._kind.text] = self._matter.text_line
        return lines

    def _add(self, name: str, detail: str, line: int | None = None) -> None:
        if line is None:
            line = self._line_of(name)
        self._problems.append(FileProblem(self._path, line, "error", detail))

    def _line_of(self, name: str) -> int:
        """The line of a key or of the nearest one above it; the first without any."""
        lines = self._lines()
        while name and name not in lines:
            name = name.rpartition("/")[0]
        return lines.get(name, 1)


@cache
def _fields_of(data: type[Data]) -> dict[str, tuple[Any, bool]]:
    """The fields of an event: their types, and whether they are required."""
    hints = get_type_hints(data, include_extras=True)
    return {
        field.name: (hints[field.name], field.required) for field in msgspec.structs.fields(data)
    }


def _number(name: str, value: Any) -> Any:
    """A whole number that the front matter holds as text; every other value as it is."""
    if name in _NUMBERS and isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    return value


def parse_all(files: Mapping[str, str]) -> Iterator[ParsedFile]:
    """Parse all files, by path."""
    return (parse_file(path, content) for path, content in sorted(files.items()))
