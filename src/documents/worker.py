"""Runs the jobs of documents: beside the API in one process, or in processes of its own.

A job is tried again, later and later, until it is done; what ends it otherwise stands on the row of
its document (`ingestion`). One that two workers got, because the first went silent, does no harm
(`rows`).
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
from sqlalchemy.ext.asyncio import AsyncEngine

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
from src.documents.upkeep import UpkeepService
from src.exceptions import UpstreamError
from src.metrics import JOB_DURATION, measure

log = structlog.get_logger(__name__)

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
        ingestion: IngestionService,
        upkeep: UpkeepService,
        *,
        concurrency: int,
    ) -> None:
        self._engine = engine
        self._ingestion = ingestion
        self._upkeep = upkeep
        self._most_jobs = max(2, concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._leaving = asyncio.Event()

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
        self._leaving.set()

    async def _consume(self) -> None:
        """Until told to stop, or until the connection ends: nobody hears our heartbeats then."""
        leaving = self._leaving = asyncio.Event()
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            driver = raw.driver_connection
            assert driver is not None  # noqa: S101, it was opened one line before
            driver.add_termination_listener(lambda _: leaving.set())
            manager = QueueManager(Queries(AsyncpgDriver(driver)))
            manager.shutdown = leaving
            manager.entrypoint(INGEST)(self._ingest)
            manager.entrypoint(PURGE)(self._purge)
            manager.entrypoint(PURGE_USER)(self._purge_user)
            manager.entrypoint(RETAG)(self._retag)
            letting_go = asyncio.create_task(self._let_go(leaving))
            try:
                await manager.run(
                    dequeue_timeout=_POLL_INTERVAL,
                    batch_size=self._most_jobs // 2,
                    max_concurrent_tasks=self._most_jobs,
                    heartbeat_timeout=_HEARTBEAT_TIMEOUT,
                    shutdown_on_listener_failure=True,
                )
            finally:
                letting_go.cancel()
                await connection.invalidate()  # It listens; the pool wants none of that.

    async def _let_go(self, leaving: asyncio.Event) -> None:
        await leaving.wait()
        for task in self._running:
            task.cancel()

    async def _ingest(self, job: Job) -> None:
        payload = IngestJob.model_validate_json(job.payload or b"")
        await self._repeat(job, self._ingestion.ingest(payload, place=-job.priority))

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
        """Until it is done: what was acknowledged is not given up, whatever is the reason."""
        try:
            await self._run(job, work)
        except RetryRequested:
            raise
        except UpstreamError as reason:
            log.warning("trying again", job=job.entrypoint, job_id=job.id, reason=repr(reason))
            raise RetryRequested(_back_off(job.attempts)) from reason
        except Exception as reason:
            log.exception("trying again", job=job.entrypoint, job_id=job.id)
            raise RetryRequested(_back_off(job.attempts)) from reason

    async def _tidy(self) -> None:
        while True:
            try:
                await self._upkeep.tidy()
            except Exception as exc:  # noqa: BLE001, the outermost edge of a task
                log.warning("not tidied", reason=repr(exc))
            await asyncio.sleep(_TIDY_INTERVAL_SECONDS)

    async def _run(self, job: Job, work: Coroutine[None, None, None]) -> None:
        """Run in a task of our own: the queue would take a cancelled job for a finished one."""
        task = asyncio.create_task(work)
        self._running.add(task)
        if self._leaving.is_set():  # It was given out while all others were put back.
            task.cancel()
        try:
            with measure(JOB_DURATION, "job", kind=job.entrypoint):
                await task
        except asyncio.CancelledError:
            if self._leaving.is_set():
                raise RetryRequested from None
            raise
        finally:
            self._running.discard(task)


def _back_off(attempts: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(attempts, 10)), _LONGEST_WAIT)
