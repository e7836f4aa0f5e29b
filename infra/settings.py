"""Every setting of the system, read once from the environment and checked.

`VARIABLES` is the one table of names, defaults and meanings, in a reader's order; the README shows
it. `Settings.from_environment` turns an environment into checked values. An invalid value raises
`SettingsError` with one sentence that says what to give instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from infra import setting_values as parse
from infra.mail_settings import MAIL_VARIABLES, MailSettings
from infra.setting_values import SettingsError


class Variable(NamedTuple):
    """One environment variable: its name, its default as text, and its meaning."""

    name: str
    default: str
    meaning: str


VARIABLES = tuple(
    Variable(*row)
    for row in (
        ("VERDICTS_DATA", ".verdicts", "folder of the embedded servers, the site and the keys"),
        ("VERDICTS_HOST", "127.0.0.1", "address on which the site and the API listen"),
        ("VERDICTS_PORT", "8080", "port on which the site and the API listen"),
        ("VERDICTS_DEMO", "1", "0 starts empty, without the demo content"),
        ("VERDICTS_PUBLIC_URL", "", "canonical URL of the site; by default from host and port"),
        ("VERDICTS_SECRET_KEY", "", "signs cookies and tokens; `new,old` rotates; made if empty"),
        ("VERDICTS_VOTER_KEY", "", "hides voter ids on the log; never changes; made if empty"),
        ("VERDICTS_TRUSTED_PROXIES", "", "networks whose X-Forwarded-For counts, by commas"),
        ("VERDICTS_THEME", "", "folder with the site's own name, logo, templates and colours"),
        ("VERDICTS_NEW_VOTERS_PER_HOUR", "60", "new cookie voters per address prefix and hour"),
        (
            "VERDICTS_VOTER_CHANGES_PER_MINUTE",
            "60",
            "votes and bookmarks of one voter; 0: no limit",
        ),
        (
            "VERDICTS_API_PROCESSES",
            "1",
            "processes of the API; more help only with idle processors",
        ),
        ("VERDICTS_HTTP2", "0", "1 takes HTTP/2 without TLS too, from a proxy that limits clients"),
        ("VERDICTS_INSTANCE", "", "stable name of this replica; keeps its partitions in a restart"),
        ("VERDICTS_METRICS", "", "host:port of a worker's, publisher's or mailer's /metrics"),
        ("VERDICTS_LOG_LEVEL", "info", "debug, info, warning or error; debug names events"),
        (
            "VERDICTS_ACCESS_LOG",
            "0",
            "1 logs every request to the API and the site, without secrets",
        ),
        ("OTEL_*", "", "OpenTelemetry's own; OTEL_EXPORTER_OTLP_ENDPOINT enables tracing"),
        *MAIL_VARIABLES,
        ("KAFKA_BOOTSTRAP_SERVERS", "", "host:port of a real cluster; empty: the embedded one"),
        ("KAFKA_SECURITY_PROTOCOL", "", "`SSL`, `SASL_SSL`, …, as librdkafka names them"),
        ("KAFKA_SASL_*", "", "any `sasl.*` property: `KAFKA_SASL_MECHANISM`, `…_USERNAME`, …"),
        ("KAFKA_SSL_*", "", "any `ssl.*` property: `KAFKA_SSL_CA_LOCATION`, …"),
        ("DATABASE_URL", "", "postgresql://… of PostgreSQL 18 or later; empty: the embedded one"),
        ("SCHEMA_REGISTRY_URL", "", "a Confluent-compatible registry; empty: `schemas/` alone"),
    )
)
"""All settings. A name that ends in `*` covers every variable with that prefix."""

MOST_API_PROCESSES = 16
"""So many keep to the limit on new voters together; each admits a part of its room by itself."""

_LOOPBACK_OF_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process.

    Attributes:
        data: Absolute path of the data folder; it may not exist yet.
        host: Address to listen on.
        port: Port to listen on, 1 to 65535.
        demo: Whether demo content fills an empty log.
        public_url: Canonical address without a slash at its end.
        secret_keys: Signing keys, newest first; empty: the data folder's.
        voter_key: Key of the voters' pseudonyms; empty: the data folder's.
        trusted_proxies: Networks in CIDR notation.
        theme: Absolute path of the theme's folder; None means our own look.
        new_voters_per_hour: Limit of new cookie voters per address prefix.
        voter_changes_per_minute: Limit of one voter's votes and bookmarks; 0 means none.
        api_processes: How many processes serve the API's port, 1 to 16.
        http2: Whether the server takes HTTP/2 beside HTTP/1.
        kafka: Bootstrap servers, `host:port` by commas; empty means embedded.
        kafka_security: librdkafka properties such as `security.protocol`.
        database_url: `postgresql://…`; empty means embedded.
        schema_registry_url: Address of a schema registry; empty means none.
        instance: Name for static group membership; empty means dynamic membership.
        log_level: `debug`, `info`, `warning` or `error`, for our own packages.
        access_log: Whether the API logs every request.
        mail: How mail is sent.
        metrics: `host:port` on which a worker or publisher serves its metrics; empty: none.
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
    voter_changes_per_minute: int
    api_processes: int
    http2: bool
    kafka: str
    kafka_security: dict[str, str]
    database_url: str
    schema_registry_url: str
    instance: str
    mail: MailSettings
    metrics: str = ""
    theme: Path | None = None
    log_level: str = "info"
    access_log: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read and check every variable; an empty or missing one takes its default.

        Raises:
            SettingsError: A value is invalid; the message names the variable and valid values.
        """
        values = {name: environ.get(name, "").strip() or default for name, default, _ in VARIABLES}
        host = values["VERDICTS_HOST"]
        port = parse.integer(values, "VERDICTS_PORT", least=1, most=65535)
        return cls(
            data=Path(values["VERDICTS_DATA"]).expanduser().absolute(),
            host=host,
            port=port,
            demo=parse.switch(values, "VERDICTS_DEMO"),
            public_url=parse.origin(values, "VERDICTS_PUBLIC_URL") or local_url(host, port),
            secret_keys=parse.keys(values, "VERDICTS_SECRET_KEY"),
            voter_key=parse.key(values, "VERDICTS_VOTER_KEY"),
            trusted_proxies=parse.networks(values, "VERDICTS_TRUSTED_PROXIES"),
            theme=parse.folder(values, "VERDICTS_THEME"),
            new_voters_per_hour=parse.integer(values, "VERDICTS_NEW_VOTERS_PER_HOUR", least=0),
            voter_changes_per_minute=parse.integer(
                values, "VERDICTS_VOTER_CHANGES_PER_MINUTE", least=0
            ),
            api_processes=parse.integer(
                values, "VERDICTS_API_PROCESSES", least=1, most=MOST_API_PROCESSES
            ),
            http2=parse.switch(values, "VERDICTS_HTTP2"),
            kafka=parse.bootstrap_servers(values, "KAFKA_BOOTSTRAP_SERVERS"),
            kafka_security=parse.kafka_security(environ),
            database_url=parse.database_url(values, "DATABASE_URL"),
            schema_registry_url=parse.web_url(values, "SCHEMA_REGISTRY_URL"),
            instance=values["VERDICTS_INSTANCE"],
            mail=MailSettings.parse(values),
            log_level=parse.log_level(values, "VERDICTS_LOG_LEVEL"),
            access_log=parse.switch(values, "VERDICTS_ACCESS_LOG"),
            metrics=parse.host_and_port(values, "VERDICTS_METRICS"),
        )

    def with_keys(self) -> Self:
        """Return these settings if both keys are set.

        Raises:
            SettingsError: A key is missing. Replicas with keys of their own would refuse one
                another's cookies and count one voter twice.
        """
        keys = {"VERDICTS_SECRET_KEY": self.secret_keys, "VERDICTS_VOTER_KEY": self.voter_key}
        missing = [name for name, key in keys.items() if not key]
        if missing:
            raise SettingsError(
                f"Set {' and '.join(missing)}: with an external broker or database every "
                "replica needs the same keys, so none is generated here."
            )
        return self


def local_url(host: str, port: int) -> str:
    """Return the URL of a listener for a browser on the same machine."""
    host = _LOOPBACK_OF_WILDCARD.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
