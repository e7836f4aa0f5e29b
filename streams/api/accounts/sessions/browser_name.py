"""What the owner of a session recognizes its browser by."""

import re

_BROWSERS = (
    ("Edge", re.compile(r"\bEdg(?:A|iOS)?/")),
    ("Opera", re.compile(r"\bOPR/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bSafari/")),
)
_SYSTEMS = (
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("macOS", re.compile(r"\bMac OS X\b")),
    ("Linux", re.compile(r"\bLinux\b")),
)


def name_browser(user_agent: bytes) -> str:
    """The browser and its system, such as `Firefox on Linux`; versions are not kept."""
    text = user_agent[:1000].decode("latin-1")
    browser = next((name for name, pattern in _BROWSERS if pattern.search(text)), "A browser")
    system = next((name for name, pattern in _SYSTEMS if pattern.search(text)), "")
    return f"{browser} on {system}" if system else browser
