"""Leader election: of several processes exactly one does a job, and a silent leader is replaced.

The leader holds an advisory lock, which ends with its connection. A killed leader releases the lock
at once. A stopped one (SIGSTOP, a frozen host) keeps connection and lock but sends no heartbeats;
after five seconds a waiting process ends its connection. When the old leader continues, it notices
before its next write: a lease is trusted for three seconds, then confirmed over the connection that
no longer exists.
"""

import threading
import time
from abc import abstractmethod

import psycopg
import structlog
from confluent_kafka import KafkaException
from sqlalchemy.exc import SQLAlchemyError

from infra.postgres.engine import connect
from infra.settings import Settings

SILENT_SECONDS = 5
TRUSTED_SECONDS = 3.0
RETRY_SECONDS = 0.5
FAILURES = (KafkaException, SQLAlchemyError, psycopg.Error, OSError)

# A connection carries the name of its process's heartbeat. A connection younger than
# SILENT_SECONDS is spared: its process may not have sent a heartbeat yet.
_END_SILENT = """
select pg_terminate_backend(lock.pid)
from pg_locks as lock join pg_stat_activity as holder using (pid)
where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
    and lock.database = (select oid from pg_database where datname = current_database())
    and lock.classid::bigint = %(high)s and lock.objid::bigint = %(low)s
    and holder.backend_start < clock_timestamp() - %(silent)s * interval '1 second'
    and not exists (
        select from verdicts.heartbeats
        where left(service || ' ' || instance, 63) = holder.application_name
            and beat > clock_timestamp() - %(silent)s * interval '1 second')
"""
log = structlog.get_logger(__name__)


class Lease:
    """Proof of leadership that was confirmed at a known time."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._confirmed = time.monotonic()

    def require(self) -> None:
        """Return if this process is still the leader; asks the server at most every 3 s.

        Raises:
            psycopg.Error: Another process took over, or the server does not answer.
        """
        now = time.monotonic()
        if now - self._confirmed > TRUSTED_SECONDS:
            self.connection.execute("select 1")
            self._confirmed = now


class LeaderThread(threading.Thread):
    """Runs `serve` while this process is the leader, and competes again after any failure.

    Args:
        settings: Of the database.
        key: Of the advisory lock, 64 bits.
        service: Service name in this process's heartbeat.
        instance: Instance name in this process's heartbeat.
    """

    stop_seconds = 5.0
    """How long `stop` waits for the thread to end."""

    def __init__(self, settings: Settings, key: int, service: str, instance: str) -> None:
        super().__init__(name=type(self).__name__.lower(), daemon=True)
        self._settings = settings
        self._key = key
        self._connection_name = f"{service} {instance}"[:63]
        self.stopping = threading.Event()
        self.active = False

    @abstractmethod
    def serve(self, lease: Lease) -> None:
        """Do the work until `stopping` is set; may LISTEN on the lease's connection."""

    def stop(self) -> None:
        """Ask `serve` to return, and wait at most `stop_seconds` for the thread to end."""
        self.stopping.set()
        if self.ident:
            self.join(timeout=self.stop_seconds)

    def run(self) -> None:
        """Acquire leadership and serve, again and again, until stopped."""
        while not self.stopping.is_set():
            try:
                with connect(self._settings, self._connection_name) as connection:
                    if self._acquire(connection):
                        self.serve(Lease(connection))
            except FAILURES as error:
                log.warning(f"{self.name} starts over", reason=str(error).strip())
                self.stopping.wait(1.0)
            except Exception:
                # A bug, so the traceback is logged; but no other thread would do this work.
                log.exception(f"{self.name} starts over")
                self.stopping.wait(1.0)
            finally:
                self.active = False

    def _acquire(self, connection: psycopg.Connection) -> bool:
        """Wait for the lock, ending the connection of a silent leader; False when stopped first."""
        parameters = {
            "high": self._key >> 32,
            "low": self._key & 0xFFFF_FFFF,
            "silent": SILENT_SECONDS,
        }
        while not self.stopping.is_set():
            row = connection.execute("select pg_try_advisory_lock(%s)", [self._key]).fetchone()
            if row and row[0]:
                return True
            if connection.execute(_END_SILENT, parameters).rowcount:
                log.warning(f"{self.name} takes over from a leader without heartbeats")
            self.stopping.wait(RETRY_SECONDS)
        return False
