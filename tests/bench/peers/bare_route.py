"""A bare Starlette route: what it is sent goes to the log as it is, with the same producer.

The same Granian, embedded in the same way; no cookie is read, nothing is checked or counted.
"""

import os

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.kafka.producer import KafkaProducer
from infra.runtime import gc_tuning
from infra.settings import Settings
from streams.api.granian_server import create_server
from tests.bench.peers import BARE_TOPIC


class Ballot(msgspec.Struct):
    """The body of a vote."""

    choice: str


async def serve(settings: Settings) -> None:
    """Serve until killed."""
    producer = KafkaProducer(settings)
    ballot = msgspec.json.Decoder(Ballot)

    async def vote(request: Request) -> Response:
        body = await request.body()
        choice = ballot.decode(body).choice
        tool: str = request.path_params["tool"]
        delivery = await producer.send(BARE_TOPIC, request.headers["cookie"].encode(), body)
        answer = {"tool": tool, "choice": choice, "offset": delivery.offset}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    async def ready(_: Request) -> Response:
        return Response(b"ready")

    app = Starlette(
        routes=[
            Route("/v1/tools/{tool}/vote", vote, methods=["PUT"]),
            Route("/readyz", ready),
        ]
    )
    gc_tuning.reduce_gc()
    await create_server(app, settings).serve()


if __name__ == "__main__":
    uvloop.run(serve(Settings.from_environment(os.environ)))
