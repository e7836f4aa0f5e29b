"""Faust applications that are fed in batches, with their offsets in the database."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

import faust
from faust.tables import TableManager
from faust.types.auth import CredentialsT

from infra.consumer.protocols import Checkpoints
from infra.kafka.client import ssl_context
from infra.settings import Settings

# A killed worker's partitions move after this long; the defaults would stall them for a minute.
SESSION_SECONDS = 10.0
HEARTBEAT_SECONDS = 2.0
# Chunks per partition that wait in Faust's queue; a chunk holds up to a megabyte of records.
WAITING_CHUNKS = 4
# Records that are unpacked before any is handed on. With a backlog the first batch is applied long
# before the last one is unpacked, and packed records take little memory.
MOST_UNPACKED = 5_000


class NoTables(TableManager):
    """No Faust tables: spares the second in which Faust waits for all to be registered."""

    async def on_start(self) -> None:
        """Let the consumer subscribe at once."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class BatchedApp(faust.App):
    """A Faust application that starts where its checkpoints say."""

    checkpoints: Checkpoints


def batched_app(name: str, settings: Settings, checkpoints: Checkpoints) -> BatchedApp:
    """Build an application whose consumer group is `name`.

    Its topics deliver lists of records (see `infra.consumer.transport`). No state of Faust's own is
    used: no tables, no exactly-once mode, no committed offsets.
    """
    servers = [f"batched://{server}" for server in settings.kafka.split(",")]
    app = BatchedApp(
        name,
        broker=";".join(servers),
        broker_credentials=_credentials(settings.kafka_security),
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_rebalance_timeout=SESSION_SECONDS,
        broker_request_timeout=30.0,
        broker_max_poll_records=MOST_UNPACKED,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance or None,
        consumer_metadata_max_age_ms=60_000,
        stream_buffer_maxsize=WAITING_CHUNKS,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=str(Path(gettempdir()) / f"{name}-unused"),
        autodiscover=False,
        TableManager=NoTables,
    )
    app.checkpoints = checkpoints
    return app


def _credentials(security: Mapping[str, str]) -> CredentialsT | None:
    """Translate librdkafka's properties into Faust's credentials."""
    protocol = security.get("security.protocol", "PLAINTEXT").upper()
    context = ssl_context(security) if protocol.endswith("SSL") else None
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=security.get("sasl.username"),
            password=security.get("sasl.password"),
            mechanism=security.get("sasl.mechanism", security.get("sasl.mechanisms", "PLAIN")),
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None
