"""Taking turns: what only one process may do at a time, and what happens when it falls silent.

Whoever has the turn holds an advisory lock, which goes with its connection. A process that was
killed lets go at once. One that was stopped does not: it keeps its connection and its lock, but
it gives no sign of life, and after five seconds whoever waits ends that connection. When it is
continued it finds out before it does the next thing, because a lease is trusted for three seconds
only and then asked for again, over the connection that is gone.
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
ASK_SECONDS = 0.5
FAULTS = (KafkaException, SQLAlchemyError, psycopg.Error, OSError)

# A connection is named after the heartbeat of its process. One that is younger than the time after
# which we call a process silent may not have given a sign yet.
_END_SILENT = """
select pg_terminate_backend(held.pid)
from pg_locks as held join pg_stat_activity as holder using (pid)
where held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.database = (select oid from pg_database where datname = current_database())
    and held.classid::bigint = %(high)s and held.objid::bigint = %(low)s
    and holder.backend_start < clock_timestamp() - %(silent)s * interval '1 second'
    and not exists (
        select from verdicts.heartbeats as sign
        where left(sign.service || ' ' || sign.instance, 63) = holder.application_name
            and sign.beat > clock_timestamp() - %(silent)s * interval '1 second')
"""
log = structlog.get_logger(__name__)


class Lease:
    """A turn that was taken, and how long ago that was known for sure."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self._known = time.monotonic()

    def require(self) -> None:
        """Return if the turn is still ours; asks the server where that was not known lately.

        Raises:
            psycopg.Error: somebody else has the turn, or the server is away.
        """
        if time.monotonic() - self._known > TRUSTED_SECONDS:
            asked = time.monotonic()
            self.connection.execute("select 1")
            self._known = asked


class LeaderThread(threading.Thread):
    """Does `serve` whenever it is this process's turn, and starts over after any fault.

    Args:
        settings: Where the database is.
        key: Of the advisory lock.
        service: With `instance`, the name of this process's heartbeat.
        instance: See above.
    """

    def __init__(self, settings: Settings, key: int, service: str, instance: str) -> None:
        super().__init__(name=type(self).__name__.lower(), daemon=True)
        self._settings = settings
        self._key = key
        self._sign = f"{service} {instance}"[:63]
        self.stopping = threading.Event()
        self.active = False

    @abstractmethod
    def serve(self, lease: Lease) -> None:
        """Do the work until `stopping` is set; the lease's connection is free for listening."""

    def stop(self) -> None:
        """Finish what is in hand, and end."""
        self.stopping.set()
        if self.ident:
            self.join(timeout=5)

    def run(self) -> None:
        """Wait for the turn, then serve."""
        while not self.stopping.is_set():
            try:
                with connect(self._settings, self._sign) as connection:
                    if self._wait(connection):
                        self.serve(Lease(connection))
            except FAULTS as error:
                log.warning(f"{self.name} starts over", reason=str(error).strip())
                self.stopping.wait(1.0)
            except Exception:
                # Unforeseen, so the story is told whole; but nobody else would do this work.
                log.exception(f"{self.name} starts over")
                self.stopping.wait(1.0)
            finally:
                self.active = False

    def _wait(self, connection: psycopg.Connection) -> bool:
        """Take the lock; False when told to stop first."""
        lock = {"high": self._key >> 32, "low": self._key & 0xFFFF_FFFF, "silent": SILENT_SECONDS}
        while not self.stopping.is_set():
            row = connection.execute("select pg_try_advisory_lock(%s)", [self._key]).fetchone()
            if row and row[0]:
                return True
            if connection.execute(_END_SILENT, lock).rowcount:
                log.warning(f"{self.name} takes over from a process that fell silent")
            self.stopping.wait(ASK_SECONDS)
        return False
