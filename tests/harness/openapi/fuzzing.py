"""Schemathesis against a running API: requests made from the document, and answers held to it."""

import subprocess
import sys
import tempfile
from pathlib import Path

CONFIG = Path(__file__).with_name("schemathesis.toml")
ROOT = Path(__file__).parents[3]
STREAM = "/v1/changes"
"""Its answer never ends."""


def run_schemathesis(
    url: str, token: str, *, seed: int, examples: int, phases: str, paths: str, origin: str = ""
) -> str:
    """Send requests, valid and invalid ones, and return the report.

    Args:
        url: The address of the API.
        token: A bearer token that may send every event.
        seed: Decides every value.
        examples: How many values of each kind an operation gets.
        phases: Of `examples`, `coverage` and `fuzzing`.
        paths: A pattern of the operations' paths.
        origin: The origin that votes come from; by default `url`.

    Raises:
        AssertionError: An answer differs from the document; the message is the report.
    """
    command: list[str] = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{url}/openapi.json", "--url", url, "--phases", phases),
        *("--seed", str(seed), "-n", str(examples), "--include-path-regex", paths),
        *("--exclude-path", STREAM, "--continue-on-failure", "--warnings", "off"),
        *("-H", f"Authorization: Bearer {token}", "-H", f"Origin: {origin or url}"),
    ]
    environment = {"SCHEMATHESIS_HOOKS": "tests.harness.openapi.hooks", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:  # it writes what it found below its folder
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    return done.stdout
