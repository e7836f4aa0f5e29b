"""A service of ours as a child process: its command, its environment, its output."""

import os
import signal
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from infra.embedded.process import Child, Spawn
from infra.setting_values import kafka_environment, kafka_security
from infra.settings import Settings
from infra.supervisor.console import Screen
from infra.supervisor.services.service_output import ServiceOutput
from infra.supervisor.supervisor import Service
from schemas.channels import ServiceName

GRACE_SECONDS = 9.0
"""More than the 6 s that the API gives to requests under way."""
MAILER_GRACE_SECONDS = 27.0
"""A mail server may take its time for the mails under way; else these would be ambiguous."""


def service_process(
    name: str,
    command: list[str],
    environment: Mapping[str, str],
    log: Path,
    screen: Screen,
    spawn: Spawn,
) -> Service:
    """Return a service that runs `command`; its output goes to `log`, its warnings to `screen`."""
    output = ServiceOutput(name, log, screen)

    def start() -> Child:
        child = spawn(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert child.stdout
        output.follow(child.stdout)
        return child

    grace = MAILER_GRACE_SECONDS if name == ServiceName.MAILER else GRACE_SECONDS
    return Service(name, start, signal.SIGTERM, grace, log)


def own_environment() -> dict[str, str]:
    """Return the environment of this process, for one that imports the same packages."""
    return {**os.environ, **_same_packages(), "PYTHONUNBUFFERED": "1"}


def service_environment(settings: Settings, *, metrics: str, instance: str) -> dict[str, str]:
    """Return the environment of a service: real servers, both keys, its own name and port.

    Args:
        settings: With the addresses of running servers and both keys.
        metrics: `host:port` for its metrics; empty if it serves them elsewhere.
        instance: Stable name of this replica; empty for none.
    """
    foreign = kafka_environment(kafka_security(os.environ))  # may be of another cluster
    return {
        **{name: value for name, value in os.environ.items() if name not in foreign},
        **_same_packages(),
        **({"VERDICTS_INSTANCE": instance} if instance else {}),
        "VERDICTS_DATA": str(settings.data),
        "VERDICTS_SECRET_KEY": ",".join(settings.secret_keys),
        "VERDICTS_VOTER_KEY": settings.voter_key,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka,
        **kafka_environment(settings.kafka_security),
        "DATABASE_URL": settings.database_url,
        "PYTHONUNBUFFERED": "1",
        **({"VERDICTS_METRICS": metrics} if metrics else {}),
    }


def _same_packages() -> dict[str, str]:
    """Make services import the packages that this process imported."""
    root = Path(__file__).parents[3]
    installed = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return {} if root in installed else {"PYTHONPATH": str(root)}
