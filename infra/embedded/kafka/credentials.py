"""The password of the embedded broker's clients, and its installation as a SCRAM credential.

Every listener asks for SASL. Clients and the broker itself use SCRAM: a program of another user
that takes the port of a stopped broker learns no password from clients that reconnect. KRaft reads
SCRAM credentials from its own metadata, which the controller's listener must serve first, so that
listener uses PLAIN. Only the process that listens there connects to it.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from infra.embedded.private_file import write_private

MECHANISM = "SCRAM-SHA-512"
# The least that Kafka accepts. More would slow guesses down; a random password needs no such help.
ITERATIONS = 4096
USER, INSTALLER, CONTROLLER = "verdicts", "installer", "controller"
SECONDS = 5.0

_MODULES = "org.apache.kafka.common.security"


class Credentials:
    """The password of one data folder; its file exists once the broker knows the password.

    A folder of a release without passwords gets one. So does a folder whose file was deleted, or
    whose broker does not know the credential, as with an older copy of its log. For that the broker
    starts with a second user, whose random password this process alone knows. The user sets the
    SCRAM credential and is unknown to the next start.
    """

    def __init__(self, file: Path) -> None:
        """Keep the password in `file`, with mode 0600."""
        self._file = file
        self._password = self._installation = ""

    def prepare(self, *, formatted: bool) -> None:
        """Choose the passwords of the next start.

        Args:
            formatted: Whether the log folder has contents; an empty one knows no credential.
        """
        if not formatted:
            self._file.unlink(missing_ok=True)
        known = self._password if formatted and not self._installation else ""
        known = known or self._read()
        self._password = known or secrets.token_urlsafe(32)
        self._installation = "" if known else secrets.token_urlsafe(32)

    @property
    def installed(self) -> bool:
        """Whether the broker knows the password."""
        return not self._installation

    def install(self, admin: AdminClient) -> None:
        """Set the SCRAM credential as the installer, and keep the password.

        Raises:
            KafkaException: The broker does not answer yet, or refuses.
            OSError: The password cannot be kept; the next start installs another one.
        """
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
        change = UserScramCredentialUpsertion(USER, info, self._password.encode())
        admin.list_topics(timeout=SECONDS)  # it may stall if it has not met a broker
        admin.alter_user_scram_credentials([change], request_timeout=SECONDS)[USER].result()
        write_private(self._file, self._password + "\n")
        self._installation = ""

    def forget(self) -> None:
        """Forget a password that the broker does not know; the next start installs another one."""
        self._password = ""
        self._file.unlink(missing_ok=True)

    @property
    def of_client(self) -> dict[str, str]:
        """The librdkafka properties of a client."""
        return _sasl(MECHANISM, USER, self._password)

    @property
    def of_installer(self) -> dict[str, str]:
        """The librdkafka properties of a client that may connect before the installation."""
        return _sasl("PLAIN", INSTALLER, self._installation)

    @property
    def of_server(self) -> dict[str, str]:
        """The properties of the broker; they hold the passwords."""
        scram = _entry("scram.ScramLoginModule", username=USER, password=self._password)
        derived = hmac.digest(self._password.encode(), CONTROLLER.encode(), hashlib.sha256).hex()
        controller = _entry(
            "plain.PlainLoginModule",
            username=CONTROLLER,
            password=derived,
            **{f"user_{CONTROLLER}": derived},
        )
        properties = {
            "listener.name.clients.sasl.enabled.mechanisms": MECHANISM,
            "listener.name.clients.scram-sha-512.sasl.jaas.config": scram,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": controller,
            "sasl.mechanism.controller.protocol": "PLAIN",
        }
        if self._installation:
            users = {f"user_{INSTALLER}": self._installation}
            properties |= {
                "listener.name.clients.sasl.enabled.mechanisms": f"{MECHANISM},PLAIN",
                "listener.name.clients.plain.sasl.jaas.config": _entry(
                    "plain.PlainLoginModule", **users
                ),
            }
        return properties

    def _read(self) -> str:
        try:
            return self._file.read_text().strip()
        except FileNotFoundError:
            return ""


def _sasl(mechanism: str, user: str, password: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
    }


def _entry(module: str, **options: str) -> str:
    """An entry of JAAS; passwords here need no escapes."""
    given = " ".join(f'{name}="{value}"' for name, value in options.items())
    return f"{_MODULES}.{module} required {given};"
