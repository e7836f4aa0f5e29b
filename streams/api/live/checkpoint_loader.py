"""Reads the checkpoints after each (re)connect of the notification listener."""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from projections.read.checkpoints import read_applied_offsets
from schemas.topics import EVENT_TOPICS
from streams.api.live.progress import Progress
from streams.api.read_model import ReadModel

RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


class CheckpointLoader:
    """Loads the checkpoints into `progress`; one load at a time."""

    def __init__(
        self, progress: Progress, read_model: ReadModel, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._progress = progress
        self._read_model = read_model
        self._retry_seconds = retry_seconds
        self._task: asyncio.Task[None] | None = None

    def restart(self) -> None:
        """Load anew; a load under way may be older than the connection, so it is cancelled."""
        self.stop()
        self._progress.start_listening()
        self._task = asyncio.create_task(self._load())

    def stop(self) -> None:
        """Cancel a load under way."""
        if self._task is not None:
            self._task.cancel()

    async def _load(self) -> None:
        topics = [topic.name for topic in EVENT_TOPICS]
        while True:
            try:
                applied = await self._read_model.run(read_applied_offsets, topics)
                return self._progress.load_checkpoints(applied)
            except SQLAlchemyError as error:
                log.warning("the checkpoints cannot be read", reason=str(error))
                await asyncio.sleep(self._retry_seconds)
