"""What machines ask: liveness, readiness, the pipeline's status and metrics."""

from starlette.requests import Request
from starlette.responses import Response

from infra.runtime.blocking_pool import BlockingPool
from infra.telemetry.metrics import exposition
from streams.api.http.problems import unavailable
from streams.api.http.responses import JSON, encode
from streams.api.status.pipeline_status import evaluate
from streams.api.status.status_probe import Observer

METRICS_SECONDS = 30.0
"""Without broker or database the metrics come late; a request waits no longer than this."""

_FRESH = {"Cache-Control": "no-store"}


class Health:
    """Answers `/healthz`, `/readyz`, `/status` and `/metrics`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._threads = BlockingPool(1, "metrics", METRICS_SECONDS)
        self.closing = False

    async def alive(self, _: Request) -> Response:
        """`GET /healthz`: this process lives."""
        return Response(b'{"status":"ok"}', headers=_FRESH, media_type=JSON)

    async def ready(self, _: Request) -> Response:
        """`GET /readyz`: this process can serve."""
        fault = "This process is about to end." if self.closing else await self._observer.unready()
        if fault:
            raise unavailable(fault)
        return Response(b'{"status":"ok"}', headers=_FRESH, media_type=JSON)

    async def status(self, _: Request) -> Response:
        """`GET /status`: 200 when a vote sent now would reach a page, else 503."""
        evaluation = evaluate(await self._observer.observe())
        headers = _FRESH if evaluation.ok else {**_FRESH, "Retry-After": "1"}
        return Response(encode(evaluation), 200 if evaluation.ok else 503, headers, JSON)

    async def metrics(self, _: Request) -> Response:
        """`GET /metrics`, for Prometheus."""
        body, kind = await self._threads.run(exposition)
        return Response(body, headers={**_FRESH, "Content-Type": kind})
