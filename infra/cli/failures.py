"""Puts a failure into one sentence for the person at the terminal."""

import os
import traceback
from pathlib import Path

import psycopg
from confluent_kafka import KafkaException
from sqlalchemy.exc import OperationalError

from infra.embedded.errors import is_disk_full, os_error_text
from infra.embedded.private_file import write_private
from infra.errors import VerdictsError
from infra.postgres.engine import error_text


def describe(error: Exception) -> str:
    """Return one sentence about an error; the traceback of an unexpected one goes to a file."""
    if isinstance(error, VerdictsError):
        return str(error)
    if isinstance(error, (OperationalError, psycopg.OperationalError)):
        return f"The database does not answer ({error_text(error)})."
    if isinstance(error, KafkaException):
        return f"Kafka does not answer ({error.args[0].str()})."
    if isinstance(error, OSError) and is_disk_full(error):
        return f"{os_error_text(error)} and start again."
    if isinstance(error, OSError) and error.strerror:
        return f"{os_error_text(error)}; fix that and start again."
    return f"An unexpected error occurred ({type(error).__name__}: {error}){_save(error)}."


def _save(error: Exception) -> str:
    """Write the traceback to the data folder, and say where it is."""
    file = Path(os.environ.get("VERDICTS_DATA") or ".verdicts").absolute() / "logs" / "failure.log"
    try:
        write_private(file, "".join(traceback.format_exception(error)))
    except OSError:
        return ""
    return f"; the traceback is in {file}"
