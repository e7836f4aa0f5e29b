"""Every setting of the system, read once from the environment and checked at the door.

`VARIABLES` is the one list of them: names, defaults and meanings, in the order in which a person
would look them up. `Settings.from_environment` turns an environment into checked values, and a
value that cannot be meant raises `SettingsError` with one sentence that says what to do.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

from infra.errors import VerdictsError


class SettingsError(VerdictsError):
    """A setting that cannot be meant; the message is one sentence for the person who set it."""


class Variable(NamedTuple):
    """One environment variable: its name, its default as text, and what it means."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("VERDICTS_DATA", ".verdicts", "folder of the embedded servers, the site and the keys"),
    Variable("VERDICTS_HOST", "127.0.0.1", "address where the site and the API listen"),
    Variable("VERDICTS_PORT", "8080", "port where the site and the API listen"),
    Variable("VERDICTS_DEMO", "1", "0 starts empty, without the demo content"),
    Variable("VERDICTS_PUBLIC_URL", "", "canonical address of the site; made from host and port"),
    Variable(
        "VERDICTS_SECRET_KEY", "", "signs cookies and tokens; `new,old` rotates; made if empty"
    ),
    Variable("VERDICTS_VOTER_KEY", "", "hides voter ids on the log; never changes; made if empty"),
    Variable("VERDICTS_TRUSTED_PROXIES", "", "networks whose X-Forwarded-For counts, by commas"),
    Variable("VERDICTS_NEW_VOTERS_PER_HOUR", "60", "new cookie voters per address prefix and hour"),
    Variable(
        "VERDICTS_INSTANCE", "", "stable name of this replica, so that a restart is not a move"
    ),
    Variable(
        "VERDICTS_METRICS", "", "host:port where a worker or publisher serves /metrics; empty: none"
    ),
    Variable("VERDICTS_LOG_LEVEL", "info", "debug, info, warning or error; debug names events"),
    Variable(
        "OTEL_*",
        "",
        "OpenTelemetry's own; with OTEL_EXPORTER_OTLP_ENDPOINT requests are traced",
    ),
    Variable("KAFKA_BOOTSTRAP_SERVERS", "", "host:port of a real cluster; empty: the embedded one"),
    Variable("KAFKA_SECURITY_PROTOCOL", "", "`SSL`, `SASL_SSL`, …, as librdkafka names them"),
    Variable("KAFKA_SASL_*", "", "any `sasl.*` property: `KAFKA_SASL_MECHANISM`, `…_USERNAME`, …"),
    Variable("KAFKA_SSL_*", "", "any `ssl.*` property: `KAFKA_SSL_CA_LOCATION`, …"),
    Variable(
        "DATABASE_URL", "", "postgresql://… of PostgreSQL 18 or later; empty: the embedded one"
    ),
    Variable("SCHEMA_REGISTRY_URL", "", "a Confluent-compatible registry; empty: `schemas/` alone"),
)
"""All settings. A name that ends in `*` stands for every variable that starts so."""

_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_LEVELS = ("debug", "info", "warning", "error")
_KAFKA_PREFIXES = ("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_", "KAFKA_SSL_")
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (told apart, not bound)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What one process was told by its environment.

    Attributes:
        data: Absolute path of the data folder; it may not exist yet.
        host: Address to listen on.
        port: Port to listen on, 1 to 65535.
        demo: Whether an empty log is filled with the demo content.
        public_url: Canonical address without a slash at its end.
        secret_keys: Signing keys, newest first; empty until made or given.
        voter_key: Key of the voters' pseudonyms; empty until made or given.
        trusted_proxies: Networks in CIDR notation.
        new_voters_per_hour: Cookie voters that one address prefix may make in an hour.
        kafka: Bootstrap servers, `host:port` by commas; empty means embedded.
        kafka_security: librdkafka properties such as `security.protocol`.
        database_url: `postgresql://…`; empty means embedded.
        schema_registry_url: Address of a schema registry; empty means none.
        instance: Name for static group membership; empty means dynamic membership.
        log_level: `debug`, `info`, `warning` or `error`, for what our own packages log.
        metrics: `host:port` where a worker or publisher serves its metrics; empty: nowhere.
    """

    data: Path
    host: str
    port: int
    demo: bool
    public_url: str
    secret_keys: tuple[str, ...]
    voter_key: str
    trusted_proxies: tuple[str, ...]
    new_voters_per_hour: int
    kafka: str
    kafka_security: dict[str, str]
    database_url: str
    schema_registry_url: str
    instance: str
    metrics: str = ""
    log_level: str = "info"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check every variable; what is empty or missing takes its default.

        Raises:
            SettingsError: With one sentence that names the variable and what it takes.
        """
        value = {v.name: environ.get(v.name, "").strip() or v.default for v in VARIABLES}
        host = value["VERDICTS_HOST"]
        port = _integer("VERDICTS_PORT", value["VERDICTS_PORT"], least=1, most=65535)
        public = value["VERDICTS_PUBLIC_URL"] or local_url(host, port)
        return cls(
            data=Path(value["VERDICTS_DATA"]).expanduser().absolute(),
            host=host,
            port=port,
            demo=_switch("VERDICTS_DEMO", value["VERDICTS_DEMO"]),
            public_url=_address("VERDICTS_PUBLIC_URL", public, "http", "https"),
            secret_keys=_list(value["VERDICTS_SECRET_KEY"]),
            voter_key=value["VERDICTS_VOTER_KEY"],
            trusted_proxies=_networks(value["VERDICTS_TRUSTED_PROXIES"]),
            new_voters_per_hour=_integer(
                "VERDICTS_NEW_VOTERS_PER_HOUR", value["VERDICTS_NEW_VOTERS_PER_HOUR"], least=0
            ),
            kafka=_servers(value["KAFKA_BOOTSTRAP_SERVERS"]),
            kafka_security=_security(environ),
            database_url=_database(value["DATABASE_URL"]),
            schema_registry_url=_address(
                "SCHEMA_REGISTRY_URL", value["SCHEMA_REGISTRY_URL"], "http", "https"
            ),
            instance=value["VERDICTS_INSTANCE"],
            log_level=_level("VERDICTS_LOG_LEVEL", value["VERDICTS_LOG_LEVEL"]),
            metrics=_listener("VERDICTS_METRICS", value["VERDICTS_METRICS"]),
        )

    def with_keys(self) -> Self:
        """These settings, when both keys are there.

        Raises:
            SettingsError: When one is missing: replicas that each invent their own would sign
                cookies the others refuse, and count one voter twice.
        """
        missing = [
            name
            for name, key in (
                ("VERDICTS_SECRET_KEY", self.secret_keys),
                ("VERDICTS_VOTER_KEY", self.voter_key),
            )
            if not key
        ]
        if missing:
            raise SettingsError(
                f"Set {' and '.join(missing)}: with an external broker or database every "
                "replica needs the same keys, so none is made here."
            )
        return self


def local_url(host: str, port: int) -> str:
    """The address of a listener as a browser on the same machine writes it."""
    host = _WILDCARDS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _integer(name: str, text: str, *, least: int, most: int = 10**9) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; give a whole number from {least} to {most}.")
    return int(text)


def _switch(name: str, text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise SettingsError(f"{name} is {text!r}; give 1 or 0.")
    return text.lower() in _YES


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in map(str.strip, text.split(",")) if part)


def _networks(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(part, strict=False)) for part in _list(text))
    except ValueError as error:
        raise SettingsError(
            f"VERDICTS_TRUSTED_PROXIES is {text!r}; give addresses or networks such as "
            "10.0.0.0/8, separated by commas."
        ) from error


def _servers(text: str) -> str:
    servers = _list(text)
    for server in servers:
        host, colon, port = server.rpartition(":")
        if not (host and colon and port.isdigit()):
            raise SettingsError(
                f"KAFKA_BOOTSTRAP_SERVERS is {text!r}; give host:port, separated by commas."
            )
    return ",".join(servers)


def _level(name: str, text: str) -> str:
    if text.lower() not in _LEVELS:
        raise SettingsError(f"{name} is {text!r}; give one of {', '.join(_LEVELS)}.")
    return text.lower()


def _listener(name: str, text: str) -> str:
    host, _, port = text.rpartition(":")
    if text and not (host and port.isdigit() and int(port) <= 65535):
        raise SettingsError(f"{name} is {text!r}; give host:port, such as 127.0.0.1:9100.")
    return text


def _address(name: str, text: str, *schemes: str) -> str:
    if text and not _is_url(text, schemes):
        raise SettingsError(f"{name} is {text!r}; give an address that starts {schemes[0]}://")
    return text.rstrip("/")


def _database(text: str) -> str:
    if text and not _is_url(text, ("postgresql", "postgres", "postgresql+psycopg")):
        raise SettingsError(
            "DATABASE_URL is not an address of PostgreSQL; "
            "give one like postgresql://user:password@host:5432/name."
        )
    return text


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        return urlsplit(text).scheme in schemes and "://" in text
    except ValueError:
        return False


def _security(environ: Mapping[str, str]) -> dict[str, str]:
    """`KAFKA_SASL_USERNAME=x` is librdkafka's `sasl.username=x`, and so for all of them."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in sorted(environ.items())
        if name.startswith(_KAFKA_PREFIXES) and value
    }
