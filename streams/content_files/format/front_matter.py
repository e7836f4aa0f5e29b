"""The YAML between two lines `---`: its values with their lines, and the text below.

A scalar stays the text that the editor wrote (`name: Yes` is the text "Yes"), because the fields of
the events say what each value is.
"""

import re
from typing import Any, NamedTuple

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HEAD = re.compile(r"---[ \t]*\n(?P<yaml>.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_NULL, _INT = "tag:yaml.org,2002:null", "tag:yaml.org,2002:int"
_FLOAT, _BOOL = "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool"
_BLOCKS = ("|", ">")
_DEEPEST = 10


class UnreadableFile(ValueError):  # noqa: N818 - named for what it is
    """A file without readable front matter; `line` counts from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


class FrontMatter(NamedTuple):
    """A file taken apart.

    Attributes:
        values: The values by key: texts, lists, mappings, and None for an empty one.
        lines: The line of each key, and of each entry of a list or mapping as `key/0`, `key/name`.
        text: What stands below, without the blank lines around it.
        text_line: Its line.
    """

    values: dict[str, Any]
    lines: dict[str, int]
    text: str
    text_line: int


def read_front_matter(content: str) -> FrontMatter:
    """Take a file apart.

    Raises:
        UnreadableFile: It does not begin with front matter, or that is not YAML.
    """
    content = content.removeprefix("\ufeff").replace("\r\n", "\n")
    head = _HEAD.match(content)
    if head is None:
        detail = "the file must begin with front matter: a line ---, keys, and a line --- again"
        raise UnreadableFile(1, detail)
    lines: dict[str, int] = {}
    values = _read_yaml(head["yaml"], lines)
    below = content[head.end() :]
    text = below.strip("\n \t")
    before = content[: head.end()] + below[: len(below) - len(below.lstrip("\n \t"))]
    return FrontMatter(values, lines, text, before.count("\n") + 1)


def _read_yaml(text: str, lines: dict[str, int]) -> dict[str, Any]:
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        detail = f"this is not YAML: {error.problem or error.context}"
        line = mark.line + 2 if mark else 2
        raise UnreadableFile(line, f"{detail}; quote texts with : or #") from None
    except yaml.YAMLError as error:
        raise UnreadableFile(2, f"this is not YAML: {' '.join(str(error).split())}") from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise UnreadableFile(2, "front matter must be keys with values, such as `name: Cursor`")
    values = _Reader(lines).read(node, "", 0)
    assert isinstance(values, dict)
    return values


class _Reader:
    """Turns nodes into values, and notes their lines."""

    def __init__(self, lines: dict[str, int]) -> None:
        self._lines = lines
        self._seen: set[int] = set()

    def read(self, node: Any, at: str, depth: int) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, at)
        line = node.start_mark.line + 2
        if id(node) in self._seen or depth > _DEEPEST:
            raise UnreadableFile(line, "anchors (&, *) and deep nesting are not supported")
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            return [
                self._read_entry(entry, entry, f"{at}/{index}".lstrip("/"), depth)
                for index, entry in enumerate(node.value)
            ]
        return self._read_mapping(node, at, depth)

    def _read_mapping(self, node: Any, at: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 2
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                raise UnreadableFile(line, "a key must be a word")
            if key.value in values:
                raise UnreadableFile(line, f"{key.value}: the key is there twice")
            values[key.value] = self._read_entry(key, value, f"{at}/{key.value}".lstrip("/"), depth)
        return values

    def _read_entry(self, mark: Any, value: Any, at: str, depth: int) -> Any:
        self._lines[at] = mark.start_mark.line + 2
        return self.read(value, at, depth + 1)


def _scalar(node: Any, at: str) -> Any:
    if not node.style and node.tag == _NULL:
        return None
    text: str = node.value
    if node.style in _BLOCKS:
        return text.rstrip("\n")
    # The value of a fact is the only one that may be of several types.
    if not node.style and re.fullmatch(r"facts/[^/]+/value", at):
        return _typed(node.tag, text)
    return text


def _typed(tag: str, text: str) -> Any:
    if tag == _BOOL:
        return text.lower() in ("yes", "true", "on")
    try:
        return int(text) if tag == _INT else float(text) if tag == _FLOAT else text
    except ValueError:  # a number that only YAML 1.1 knows, such as 1:30
        return text
