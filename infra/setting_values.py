"""Parsers of settings: each reads one variable and checks its value. Pure."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from infra.errors import VerdictsError

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_LOG_LEVELS = ("debug", "info", "warning", "error")
_DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
LEAST_KEY_CHARACTERS = 16
_REAL_KEY = "give 32 random ones, such as the output of: openssl rand -base64 24"
_PLACEHOLDER = re.compile(r"(replace|change)[-_ ]?(me|this)|placeholder", re.IGNORECASE)
_KAFKA_PREFIXES = ("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_", "KAFKA_SSL_")


class SettingsError(VerdictsError):
    """A setting is invalid or missing; the message names it and says what to give."""


def integer(values: Mapping[str, str], name: str, *, least: int, most: int = 10**9) -> int:
    """Parse a whole number from `least` to `most`."""
    text = values[name]
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; give a whole number from {least} to {most}.")
    return int(text)


def switch(values: Mapping[str, str], name: str) -> bool:
    """Parse 1 or 0, or a word for either."""
    text = values[name]
    if text.lower() not in _TRUE | _FALSE:
        raise SettingsError(f"{name} is {text!r}; give 1 or 0.")
    return text.lower() in _TRUE


def folder(values: Mapping[str, str], name: str) -> Path | None:
    """Parse the path of a folder; None if it is empty. It may not exist."""
    return Path(values[name]).expanduser().absolute() if values[name] else None


def comma_separated(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Split at commas; empty parts are dropped."""
    return tuple(part for part in map(str.strip, values[name].split(",")) if part)


def keys(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Parse keys, separated by commas."""
    parts = comma_separated(values, name)
    for part in parts:
        require_key(name, part)
    return parts


def key(values: Mapping[str, str], name: str) -> str:
    """Check one key, or nothing."""
    if values[name]:
        require_key(name, values[name])
    return values[name]


def require_key(name: str, text: str) -> None:
    """Check that a key is hard to guess.

    Raises:
        SettingsError: It is short or a placeholder; the message omits it.
    """
    if _PLACEHOLDER.match(text):
        raise SettingsError(f"{name} is the placeholder of an example; {_REAL_KEY}.")
    if len(text) < LEAST_KEY_CHARACTERS:
        least = f"less than {LEAST_KEY_CHARACTERS} characters"
        raise SettingsError(f"{name} holds a key of {least}; {_REAL_KEY}.")


def networks(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Parse addresses and networks, separated by commas, into CIDR notation."""
    text = values[name]
    try:
        parts = comma_separated(values, name)
        return tuple(str(ipaddress.ip_network(part, strict=False)) for part in parts)
    except ValueError as error:
        raise SettingsError(
            f"{name} is {text!r}; give addresses or networks such as 10.0.0.0/8, separated by "
            "commas."
        ) from error


def bootstrap_servers(values: Mapping[str, str], name: str) -> str:
    """Check `host:port` servers, separated by commas."""
    text = values[name]
    servers = comma_separated(values, name)
    for server in servers:
        host, colon, port = server.rpartition(":")
        if not (host and colon and port.isdigit()):
            raise SettingsError(f"{name} is {text!r}; give host:port, separated by commas.")
    return ",".join(servers)


def log_level(values: Mapping[str, str], name: str) -> str:
    """Check the name of a log level."""
    text = values[name]
    if text.lower() not in _LOG_LEVELS:
        raise SettingsError(f"{name} is {text!r}; give one of {', '.join(_LOG_LEVELS)}.")
    return text.lower()


def host_and_port(values: Mapping[str, str], name: str) -> str:
    """Check `host:port`, or nothing."""
    text = values[name]
    host, _, port = text.rpartition(":")
    if text and not (host and port.isdigit() and int(port) <= 65535):
        raise SettingsError(f"{name} is {text!r}; give host:port, such as 127.0.0.1:9100.")
    return text


def web_url(values: Mapping[str, str], name: str) -> str:
    """Check an HTTP URL, or nothing; a slash at its end is dropped."""
    text = values[name]
    if text and not _has_scheme(text, ("http", "https")):
        raise SettingsError(f"{name} is {text!r}; give a URL that starts with http://.")
    return text.rstrip("/")


def origin(values: Mapping[str, str], name: str) -> str:
    """Check a URL of scheme, host and port alone, or nothing; a slash at its end is dropped."""
    url = web_url(values, name)
    if url and not _is_origin(url):
        raise SettingsError(
            f"{name} is {values[name]!r}; give scheme, host and port alone, such as "
            "https://verdicts.example, since pages link from the root of their host."
        )
    return url


def database_url(values: Mapping[str, str], name: str) -> str:
    """Check a URL of PostgreSQL, or nothing; the message omits the value and its password."""
    text = values[name]
    if text and not _has_scheme(text, _DATABASE_SCHEMES):
        raise SettingsError(
            f"{name} is not a URL of PostgreSQL; "
            "give one like postgresql://user:password@host:5432/name."
        )
    return text


def kafka_security(environ: Mapping[str, str]) -> dict[str, str]:
    """Return librdkafka properties: `KAFKA_SASL_USERNAME=x` becomes `sasl.username=x`."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in sorted(environ.items())
        if name.startswith(_KAFKA_PREFIXES) and value
    }


def kafka_environment(security: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for librdkafka properties; `kafka_security` reads them."""
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in security.items()}


def _is_origin(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    hidden = set(url) & set("@?#\\") or any(character.isspace() for character in url)
    return bool(parts.hostname and not parts.path and not hidden and port != 0)


def _has_scheme(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        return urlsplit(text).scheme in schemes and "://" in text
    except ValueError:
        return False
