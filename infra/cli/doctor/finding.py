"""What a check finds, also where it cannot be made."""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import msgspec
import psycopg
from confluent_kafka import KafkaError, KafkaException
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from infra.kafka.registry import RegistryError
from infra.postgres.engine import error_text

Verdict = Literal["ok", "warn", "fail"]

_SEE_FIRST = "See to that first."
_SILENT = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError.REQUEST_TIMED_OUT,
}


class Finding(msgspec.Struct, frozen=True):
    """The result of one check.

    Attributes:
        check: Its name.
        verdict: `fail`: the system does not do its part, or something is in danger now;
            `warn`: it works, and an operator should look at this; `ok`.
        says: The observation, in a sentence.
        do: What to do about it.
    """

    check: str
    verdict: Verdict
    says: str
    do: str = ""


Findings = Iterable[Finding] | Finding


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, "ok", says)


def warn(check: str, says: str, do: str) -> Finding:
    """It works, and an operator should look at this."""
    return Finding(check, "warn", says, do)


def fail(check: str, says: str, do: str) -> Finding:
    """Something does not work, or is in danger."""
    return Finding(check, "fail", says, do)


def several(names: list[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def guarded(check: str, make: Callable[[], Findings]) -> Iterator[Finding]:
    """The findings of a check, or the finding that it could not be made, for whatever reason."""
    try:
        findings = make()
        yield from [findings] if isinstance(findings, Finding) else findings
    except KafkaException as error:
        yield _of_kafka(check, error.args[0])
    except (OperationalError, psycopg.OperationalError) as error:
        says = f"The database does not answer ({error_text(error)})."
        yield fail(check, says, "Is it running and migrated?")
    except (SQLAlchemyError, psycopg.Error) as error:
        yield fail(check, f"The database refuses this ({error_text(error)}).", _SEE_FIRST)
    except RegistryError as error:
        yield fail(check, str(error), "Is SCHEMA_REGISTRY_URL the address of a schema registry?")
    except Exception as error:  # no check's failure may hide the findings of others
        reason = str(error) or type(error).__name__
        yield fail(check, f"This cannot be looked at ({reason}).", _SEE_FIRST)


def _of_kafka(check: str, error: KafkaError) -> Finding:
    if error.code() in _SILENT:
        return fail(check, f"Kafka does not answer ({error.str()}).", "Is it running?")
    return fail(check, f"Kafka refuses this ({error.str()}).", _SEE_FIRST)
