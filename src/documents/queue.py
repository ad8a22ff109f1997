"""Jobs of documents, in the same PostgreSQL: enqueued with a row, or not at all."""

from collections.abc import Sequence
from uuid import UUID

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.documents.models import HAS_WORK, Document

INGEST = "documents.ingest"
PURGE = "documents.purge"
PURGE_USER = "documents.purge_user"
RETAG = "documents.retag"

# Small work on what users have changed goes before long work, and a user's first waiting file
# before another's second (see `enqueue_ingest`).
_AT_ONCE = 1
# Counting on would slow uploads down, and nobody else waits behind so many.
_LONGEST_LINE = 10_000
# Behind every file that somebody waits for.
LAST_IN_LINE = 1_000_000


class IngestJob(BaseModel):
    document_id: UUID
    user_id: UUID


class RetagJob(BaseModel):
    document_id: UUID


class PurgeJob(BaseModel):
    """What is left to delete once the row of a document is gone."""

    document_id: UUID
    user_id: UUID
    storage_key: str


class PurgeUserJob(BaseModel):
    """All that a deleted user left in the vector index and among the files."""

    user_id: UUID


class JobQueue:
    """Enqueues inside the caller's transaction: a rollback takes the jobs with it."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count_line(self, user_id: UUID) -> int:
        """How many documents of a user wait or are being worked on; from 10,000 on, so many."""
        waiting = select(Document.id).where(Document.user_id == user_id, HAS_WORK)
        line = waiting.limit(_LONGEST_LINE).subquery()
        return await self._session.scalar(select(func.count()).select_from(line)) or 0

    async def enqueue_ingest(self, jobs: Sequence[IngestJob], *, behind: int) -> None:
        """Line the documents of one user up behind `behind` others of theirs.

        A job's priority is its place in its own user's line, so the lines take turns: a thousand
        files of one user do not delay the only file of another.
        """
        priorities = [-(behind + place) for place in range(len(jobs))]
        await self._enqueue(INGEST, jobs, priorities)

    async def enqueue_again(self, document_id: UUID, user_id: UUID, *, place: int = 0) -> None:
        """Line a document up behind all others of its user, and not before `place`."""
        job = IngestJob(document_id=document_id, user_id=user_id)
        await self.enqueue_ingest([job], behind=max(place, await self.count_line(user_id)))

    async def enqueue_purge(self, jobs: Sequence[PurgeJob]) -> None:
        await self._enqueue(PURGE, jobs, [_AT_ONCE] * len(jobs))

    async def enqueue_purge_user(self, job: PurgeUserJob) -> None:
        await self._enqueue(PURGE_USER, [job], [_AT_ONCE])

    async def enqueue_retag(self, jobs: Sequence[RetagJob]) -> None:
        await self._enqueue(RETAG, jobs, [_AT_ONCE] * len(jobs))

    async def _enqueue(
        self, entrypoint: str, jobs: Sequence[BaseModel], priorities: list[int]
    ) -> None:
        if not jobs:
            return
        # SQLAlchemy begins with the first statement it sends itself; what goes through the raw
        # connection before that commits on its own.
        await self._session.flush()
        connection = await self._session.connection()
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None  # noqa: S101, the session has just used it
        await Queries(AsyncpgDriver(raw.driver_connection)).enqueue(
            [entrypoint] * len(jobs),
            [job.model_dump_json().encode() for job in jobs],
            priorities,
        )


class UserDataPurger:
    """Orders the purge of a user's files and vectors; the rows go by cascade."""

    async def enqueue(self, session: AsyncSession, user_id: UUID) -> None:
        await JobQueue(session).enqueue_purge_user(PurgeUserJob(user_id=user_id))
