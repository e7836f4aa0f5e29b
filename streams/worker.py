"""The worker: processors, relay, followers and freezer, wired on one page."""

from infra import collector
from infra.codec import Codec
from infra.consumer.app import batched_app
from infra.consumer.process import assigned, every, instance_name, run
from infra.database import engine
from infra.log import Log
from infra.settings import Settings
from projections import heartbeats
from projections.checkpoints import DatabaseCheckpoints
from streams import processors
from streams.deadletters import DeadLetters
from streams.follower import Followers
from streams.freezer import Freezer
from streams.relay import Relay

GROUP = "verdicts-projections"
SERVICE = "worker"


def main(settings: Settings, codec: Codec | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    codec = codec or Codec()
    # One connection per partition that may be in flight, one for the relay, some for reading.
    database = engine(settings, name="verdicts worker", pool_size=12, writes=True, retried=True)
    app = batched_app(GROUP, settings, DatabaseCheckpoints(database, Log(settings)))
    processors.register(app, database, codec, DeadLetters(settings))
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
    collector.spare()
    try:
        run(app)
    finally:
        freezer.stop()
        relay.stop()
        followers.stop()
        with database.begin() as connection:
            heartbeats.leave(connection, SERVICE, instance)
