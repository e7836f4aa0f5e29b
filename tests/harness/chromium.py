"""Finds a Chromium for the tests in a browser, and as root on Debian installs one.

The order: what `CHROMIUM` names, the system's, Playwright's own. Run as a program it makes sure
that there is one, and says where.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def find() -> str | None:
    """The program to start, or None when this machine has none."""
    given = os.environ.get("CHROMIUM")
    if given:
        return shutil.which(given)
    return next(filter(None, map(shutil.which, NAMES)), None) or _playwrights_own()


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser that asks for nothing by itself.

    Keep it for a module at most: while Playwright runs it owns this thread's event loop, and no
    other test could start one.
    """
    program = find()
    assert program, "No Chromium was found: set CHROMIUM to one, or run make test."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        program = playwright.chromium.executable_path
    return program if Path(program).exists() else None


def _install() -> None:
    """As root on Debian from its packages, else what Playwright brings."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], env=quiet, check=False)
        subprocess.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
            env=quiet,
            check=False,
        )
    if not find():
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    """Print where Chromium is, after installing it where it is missing and that is possible."""
    if not find():
        print("Installing Chromium for the tests. This happens once.", flush=True)
        _install()
    program = find()
    if not program:
        sys.exit("No Chromium was found; install one, or set CHROMIUM to its path.")
    print(f"Chromium: {program}")


if __name__ == "__main__":
    main()
