"""Runs one service in this process."""

import os
import sys
from collections.abc import Callable

from infra.cli.options import attached_settings
from infra.settings import Settings
from infra.telemetry import tracing
from infra.telemetry.logging import configure
from infra.telemetry.metrics import listen
from schemas.channels import ServiceName


def run_service(name: ServiceName, run: Callable[[Settings], None], *, kafka: bool = True) -> None:
    """Set up logging, tracing and metrics, then run the service until it ends.

    Without `kafka`, the service needs a database alone.
    """
    settings = attached_settings(kafka=kafka).with_keys()
    configure(name, level=settings.log_level)
    tracing.start(name, os.environ)
    if name != ServiceName.API:  # the API serves /metrics on its own port
        listen(settings.metrics)
    run(settings)


def service_command(service: str) -> list[str]:
    """The command that runs a service in a process of its own."""
    return [sys.executable, "-P", "-m", "infra.cli", service]
