"""The catalogue of schemas: every version ever written, with its pinned id.

Ids start at 2,000,000,001, where no registry reaches, so the wire format is the same with and
without a registry and old records stay readable. A version is never edited: what changes becomes
a new file `avro/{stem}.{version}.avsc`, a new line here and a new example.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from schemas import topics
from schemas.topics import Topic

FOLDER = Path(__file__).parents[1]
FIRST_ID = 2_000_000_001


class Version(msgspec.Struct, frozen=True):
    """One version of a topic's value schema: a union of the records that the topic may hold."""

    topic: Topic
    version: int
    id: int
    sha256: str

    @property
    def stem(self) -> str:
        """The name that its files share, such as `votes.1`."""
        return f"{self.topic.name.split('.')[1]}.{self.version}"

    def schema(self) -> list[Any]:
        """The schema as JSON values."""
        return _json(FOLDER / "avro" / f"{self.stem}.avsc")

    def examples(self) -> list[dict[str, Any]]:
        """One example of every record in it: `{"record": name, "value": fields}`."""
        return _json(FOLDER / "examples" / f"{self.stem}.json")


VERSIONS = (
    Version(
        topics.CATALOG,
        1,
        FIRST_ID + 0,
        "f640d35c76419561b9d574cb138adfbd36d568b2d24c83764f1e28feab3006eb",
    ),
    Version(
        topics.REVIEWS,
        1,
        FIRST_ID + 1,
        "2ffe296a7b3ec0aebf5ebd10c40b3e8d5c6460f431ef110db54abf4d37f02646",
    ),
    Version(
        topics.VOTES,
        1,
        FIRST_ID + 2,
        "b7221e80a94ff5021ba4f3f650d6680d790c748e983eb7d0527802c010371bfd",
    ),
    Version(
        topics.BOOKMARKS,
        1,
        FIRST_ID + 3,
        "f4fb7e4bb420c08d421fa65eff2ca797e202ba04512c5113e2d26440cd278db6",
    ),
    Version(
        topics.DIGESTS,
        1,
        FIRST_ID + 4,
        "6a0f06253d81fa3267c339ecf6f7e617c4914ac67c6f80cf06d521ca9a3a14a6",
    ),
    Version(
        topics.CHANGES,
        1,
        FIRST_ID + 5,
        "d1bff4859e2ce2d7f716603c1f64fc03c8469d396c761c9fbefca8d65d33b32e",
    ),
    Version(
        topics.CHANGES,
        2,
        FIRST_ID + 6,
        "0a89c69e10b1054de10e7babad47bb08620da5aec8111db27dd81a2b1c949d5d",
    ),
    Version(
        topics.CATALOG,
        2,
        FIRST_ID + 7,
        "070546d0646955559f53f656b62cef86d0fa274ac070a68eaa7eba4d4937ad04",
    ),
    Version(
        topics.CHANGES,
        3,
        FIRST_ID + 8,
        "27764bb98aa1107eb0b8f41aaf924827be22173cc2e83df99bd72001a0f48b0f",
    ),
)
BY_ID = {version.id: version for version in VERSIONS}
NEWEST = {version.topic.name: version for version in VERSIONS}  # the last of a topic stays


def fingerprint(schema: list[Any]) -> str:
    """SHA-256 of a schema without its documentation, in hexadecimal."""
    canonical = json.dumps(_undocumented(schema), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _undocumented(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {name: _undocumented(part) for name, part in schema.items() if name != "doc"}
    if isinstance(schema, list):
        return [_undocumented(part) for part in schema]
    return schema


@cache
def _json(path: Path) -> list[Any]:
    content: list[Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
