"""Check that the catalogue keeps its promises: `python -m schemas.avro.compatibility`.

A version that was published is never edited, every new version can read all that older ones
wrote, and ids are unique and in the range that no registry reaches.
"""

import json
import sys
from collections.abc import Iterator
from itertools import groupby

from schemas.avro.catalogue import FIRST_ID, VERSIONS, Version, fingerprint


def problems(versions: tuple[Version, ...] = VERSIONS) -> Iterator[str]:
    """Say what is wrong in the catalogue, a sentence each; nothing when all is well."""
    ids = [version.id for version in versions]
    if len(set(ids)) < len(ids) or min(ids) < FIRST_ID:
        yield f"schema ids must be unique and from {FIRST_ID} up: {sorted(ids)}"
    for version in versions:
        if fingerprint(version.schema()) != version.sha256:
            yield (
                f"avro/{version.stem}.avsc was edited after it was published: "
                "undo the edit and add a new version instead"
            )
    by_topic = sorted(versions, key=lambda version: (version.topic.name, version.version))
    for topic, family in groupby(by_topic, key=lambda version: version.topic.name):
        yield from _unreadable(topic, list(family))


def _unreadable(topic: str, family: list[Version]) -> Iterator[str]:
    """Each pair in which a newer version cannot read what an older one wrote."""
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
    from avro.schema import parse

    numbers = [version.version for version in family]
    if numbers != list(range(1, len(family) + 1)):
        yield f"{topic}: versions must count 1, 2, 3 …, but are {numbers}"
    for index, reader in enumerate(family):
        for writer in family[:index]:
            verdict = ReaderWriterCompatibilityChecker().get_compatibility(
                parse(json.dumps(reader.schema())), parse(json.dumps(writer.schema()))
            )
            if verdict.compatibility is not SchemaCompatibilityType.compatible:
                reasons = "; ".join(sorted(verdict.messages))
                yield f"{topic}: version {reader.version} cannot read {writer.version}: {reasons}"


def main() -> int:
    """Print what is wrong; the exit status is 1 when anything is."""
    sentences = list(problems())
    for problem in sentences:
        print(problem, file=sys.stderr)
    if not sentences:
        print(f"{len(VERSIONS)} schema versions: none edited, all readable")
    return 1 if sentences else 0


if __name__ == "__main__":
    raise SystemExit(main())
