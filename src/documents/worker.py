"""Runs the jobs of documents: beside the API in one process, or in processes of its own.

What a backing service is to blame for is tried again without end, later and later. What nobody
foresaw is tried a few times and then ends on the row, so that no document is stuck for ever.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import timedelta

import structlog
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine

from src.database import DatabaseUnavailableError
from src.documents.exceptions import ProcessingFailedError
from src.documents.ingestion import IngestionService
from src.documents.queue import (
    INGEST,
    PURGE,
    PURGE_USER,
    RETAG,
    IngestJob,
    PurgeJob,
    PurgeUserJob,
    RetagJob,
)
from src.documents.rows import DocumentRows
from src.documents.upkeep import UpkeepService
from src.exceptions import UpstreamError
from src.metrics import JOB_DURATION, measure

log = structlog.get_logger(__name__)

_MOST_FAILURES = 5
_LONGEST_WAIT = timedelta(seconds=60)
# A worker that died is noticed after this long, and its jobs go to another one.
_HEARTBEAT_TIMEOUT = timedelta(seconds=10)
_POLL_INTERVAL = timedelta(seconds=5)
_RESTART_WAIT_SECONDS = 1.0
_TIDY_INTERVAL_SECONDS = 3600.0


class DocumentWorker:
    """One consumer of the queue. It keeps one connection of the engine's pool for itself."""

    def __init__(
        self,
        engine: AsyncEngine,
        rows: DocumentRows,
        ingestion: IngestionService,
        upkeep: UpkeepService,
        *,
        concurrency: int,
    ) -> None:
        self._engine = engine
        self._rows = rows
        self._ingestion = ingestion
        self._upkeep = upkeep
        self._most_jobs = max(2, concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until `stop`. A lost database connection only means to start over."""
        tidying = asyncio.create_task(self._tidy())
        try:
            await self._work()
        finally:
            tidying.cancel()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._consume()
            except Exception as exc:  # noqa: BLE001, the outermost edge of the worker
                log.warning("worker starts again", reason=repr(exc))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _RESTART_WAIT_SECONDS)

    def stop(self) -> None:
        """Put the running jobs back into the queue and let `run` return."""
        self._stopping.set()
        for task in self._running:
            task.cancel()

    async def _consume(self) -> None:
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None  # noqa: S101, it was opened one line before
            manager = QueueManager(Queries(AsyncpgDriver(raw.driver_connection)))
            manager.shutdown = self._stopping
            manager.entrypoint(INGEST)(self._ingest)
            manager.entrypoint(PURGE)(self._purge)
            manager.entrypoint(PURGE_USER)(self._purge_user)
            manager.entrypoint(RETAG)(self._retag)
            try:
                await manager.run(
                    dequeue_timeout=_POLL_INTERVAL,
                    batch_size=self._most_jobs // 2,
                    max_concurrent_tasks=self._most_jobs,
                    heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                    shutdown_on_listener_failure=True,
                )
            finally:
                await connection.invalidate()  # It listens; the pool wants none of that.

    async def _ingest(self, job: Job) -> None:
        payload = IngestJob.model_validate_json(job.payload or b"")
        try:
            await self._run(job, self._ingestion.ingest(payload, place=-job.priority))
        except UpstreamError as reason:  # Not the document's fault: it waits.
            await self._rows.note(payload, "pending", reason)
            raise RetryRequested(_back_off(job.attempts)) from reason
        except RetryRequested:
            raise
        except Exception as reason:
            failures = await self._rows.count_failure(payload)
            if failures >= _MOST_FAILURES:
                await self._rows.note(payload, "failed", ProcessingFailedError())
                raise
            log.exception("ingestion failed, trying again", job_id=job.id)
            raise RetryRequested(_back_off(failures)) from reason

    async def _purge(self, job: Job) -> None:
        payload = PurgeJob.model_validate_json(job.payload or b"")
        await self._repeat(job, self._upkeep.purge(payload))

    async def _purge_user(self, job: Job) -> None:
        payload = PurgeUserJob.model_validate_json(job.payload or b"")
        await self._repeat(job, self._upkeep.purge_user(payload))

    async def _retag(self, job: Job) -> None:
        payload = RetagJob.model_validate_json(job.payload or b"")
        await self._repeat(job, self._upkeep.retag(payload))

    async def _repeat(self, job: Job, work: Coroutine[None, None, None]) -> None:
        """Until it is done: what was acknowledged is not given up."""
        try:
            await self._run(job, work)
        except RetryRequested:
            raise
        except Exception as reason:
            log.warning("trying again", job=job.entrypoint, job_id=job.id, reason=repr(reason))
            raise RetryRequested(_back_off(job.attempts)) from reason

    async def _tidy(self) -> None:
        while True:
            with contextlib.suppress(DatabaseUnavailableError, PoolTimeoutError, OSError):
                await self._upkeep.tidy()
            await asyncio.sleep(_TIDY_INTERVAL_SECONDS)

    async def _run(self, job: Job, work: Coroutine[None, None, None]) -> None:
        """Run in a task of our own: the queue would take a cancelled job for a finished one."""
        task = asyncio.create_task(work)
        self._running.add(task)
        try:
            with measure(JOB_DURATION, "job", kind=job.entrypoint):
                await task
        except asyncio.CancelledError:
            if self._stopping.is_set():
                raise RetryRequested from None
            raise
        finally:
            self._running.discard(task)


def _back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 10)), _LONGEST_WAIT)
