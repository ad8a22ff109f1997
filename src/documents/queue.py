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


class IngestJob(BaseModel):
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

    async def enqueue_ingest(self, jobs: Sequence[IngestJob]) -> None:
        await self._enqueue(INGEST, jobs)

    async def enqueue_purge(self, jobs: Sequence[PurgeJob]) -> None:
        await self._enqueue(PURGE, jobs)

    async def enqueue_purge_user(self, job: PurgeUserJob) -> None:
        await self._enqueue(PURGE_USER, [job])

    async def _enqueue(self, entrypoint: str, jobs: Sequence[BaseModel]) -> None:
        # SQLAlchemy begins with the first statement it sends itself; what goes through the raw
        # connection before that commits on its own.
        await self._session.flush()
        connection = await self._session.connection()
        raw = await connection.get_raw_connection()
        assert raw.driver_connection is not None  # noqa: S101, the session has just used it
        await Queries(AsyncpgDriver(raw.driver_connection)).enqueue(
            [entrypoint] * len(jobs),
            [job.model_dump_json().encode() for job in jobs],
            [0] * len(jobs),
        )


class UserDataPurger:
    """Orders the purge of a user's files and vectors; the rows go by cascade."""

    async def enqueue(self, session: AsyncSession, user_id: UUID) -> None:
        await JobQueue(session).enqueue_purge_user(PurgeUserJob(user_id=user_id))
