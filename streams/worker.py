"""The worker: projectors, relay, generation fillers and freezer, wired on one page."""

from infra.consumer.app import batched_app
from infra.consumer.runner import assigned, run
from infra.kafka.codec import Codec
from infra.kafka.offsets import LogOffsets
from infra.postgres.engine import create_engine
from infra.postgres.heartbeats import HeartbeatThread, instance_name
from infra.runtime import gc_tuning
from infra.settings import Settings
from projections.write.checkpoints import DatabaseCheckpoints
from schemas.channels import ServiceName
from streams.deadletters.producer import DeadLetterProducer
from streams.processing import projector
from streams.processing.outbox_relay import OutboxRelay
from streams.processing.week_freezer_thread import FreezerThread
from streams.rebuild.generation_filler_threads import GenerationFillers

GROUP = "verdicts-projections"


def main(settings: Settings, codec: Codec | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    codec = codec or Codec()
    # One connection per partition that may be in flight, one for the relay, some for reading.
    database = create_engine(
        settings, name="verdicts worker", pool_size=12, writes=True, retried=True
    )
    app = batched_app(GROUP, settings, DatabaseCheckpoints(database, LogOffsets(settings)))
    projector.register(app, database, codec, DeadLetterProducer(settings))
    instance = instance_name(settings.instance)
    relay = OutboxRelay(settings, database, codec, ServiceName.WORKER, instance)
    fillers = GenerationFillers(settings, database, codec)
    freezer = FreezerThread(settings, codec)

    heartbeat = HeartbeatThread(
        database,
        ServiceName.WORKER,
        instance,
        lambda: {"assigned": assigned(app), "relay": relay.active},
    )

    async def companions() -> None:
        heartbeat.start()
        relay.start()
        fillers.start()
        freezer.start()

    app.task(companions)
    gc_tuning.reduce_gc()
    try:
        run(app)
    finally:
        freezer.stop()
        relay.stop()
        fillers.stop()
        heartbeat.stop()
