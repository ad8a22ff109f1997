"""Jobs of documents, in the same PostgreSQL: enqueued with a row, or not at all."""

from collections.abc import Sequence
from uuid import UUID

from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

INGEST = "documents.ingest"
PURGE = "documents.purge"
PURGE_USER = "documents.purge_user"
RETAG = "documents.retag"

# Small work on what users have changed goes before long work, and a user's first waiting file
# before another's second (see `enqueue_ingest`).
_AT_ONCE = 1


class IngestJob(BaseModel):
    document_id: UUID


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

    async def enqueue_ingest(self, jobs: Sequence[IngestJob], *, behind: int = 0) -> None:
        """Line the documents of one user up behind `behind` others of theirs.

        A job's priority is its place in its own user's line, so the lines take turns: a thousand
        files of one user do not delay the only file of another.
        """
        priorities = [-(behind + place) for place in range(len(jobs))]
        await self._enqueue(INGEST, jobs, priorities)

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
