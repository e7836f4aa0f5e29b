"""The worker: processors, relay, followers and freezer, wired on one page."""

from infra.consumer.app import batched_app
from infra.consumer.runner import assigned, every, instance_name, run
from infra.kafka.codec import Codec
from infra.kafka.offsets import Log
from infra.postgres import heartbeats
from infra.postgres.engine import create_engine
from infra.runtime import gc_tuning
from infra.settings import Settings
from projections.write.checkpoints import DatabaseCheckpoints
from streams.deadletters.producer import DeadLetters
from streams.processing import projector
from streams.processing.outbox_relay import Relay
from streams.processing.week_closer import Freezer
from streams.rebuild.generation_filler import Followers

GROUP = "verdicts-projections"
SERVICE = "worker"


def main(settings: Settings, codec: Codec | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    codec = codec or Codec()
    # One connection per partition that may be in flight, one for the relay, some for reading.
    database = create_engine(
        settings, name="verdicts worker", pool_size=12, writes=True, retried=True
    )
    app = batched_app(GROUP, settings, DatabaseCheckpoints(database, Log(settings)))
    projector.register(app, database, codec, DeadLetters(settings))
    instance = instance_name(settings.instance)
    relay = Relay(settings, database, codec, SERVICE, instance)
    followers = Followers(settings, database, codec)
    freezer = Freezer(settings, codec)

    def beat() -> None:
        detail = {"assigned": assigned(app), "relay": relay.active}
        with database.begin() as connection:
            heartbeats.beat(connection, SERVICE, instance, detail)

    async def companions() -> None:
        relay.start()
        followers.start()
        freezer.start()

    app.task(every(app, heartbeats.SECONDS, beat, name="heartbeat"))
    app.task(companions)
    gc_tuning.spare()
    try:
        run(app)
    finally:
        freezer.stop()
        relay.stop()
        followers.stop()
        with database.begin() as connection:
            heartbeats.leave(connection, SERVICE, instance)
