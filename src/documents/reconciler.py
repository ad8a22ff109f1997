"""Compares PostgreSQL, the vector index and the file storage, and can make the latter two agree.

Jobs keep the three together; this is for what no job could foresee, such as a restored backup.
It may run while documents come and go: passages are written before they are indexed, a document
and its job at once, and files long before they are looked at.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select, text, update

from src.database import Sessions, utc_now
from src.documents.collections import index_anew, list_used, walk_points
from src.documents.models import HAS_WORK, Chunk, Document, DocumentUsage
from src.documents.queue import INGEST, JobQueue
from src.documents.storage import FileStorage
from src.documents.usage import lock_usage
from src.documents.vectors.base import Scope, VectorIndex
from src.statements import Statements

_PAGE: Final = 500
# An upload writes its files before their rows, at the pace of its client.
_UPLOAD_TIME: Final = timedelta(days=1)
_WITHOUT_JOB: Final = text(
    "NOT EXISTS (SELECT FROM pgqueuer WHERE entrypoint = :ingest"
    " AND convert_from(payload, 'UTF8')::jsonb ->> 'document_id' = documents.id::text)"
).bindparams(ingest=INGEST)


@dataclass(slots=True)
class Findings:
    """How many of each there were. All but `missing_files` can be mended."""

    stale_points: int = 0
    unused_collections: int = 0
    incomplete_documents: int = 0
    stuck_documents: int = 0
    stray_files: int = 0
    missing_files: int = 0
    wrong_totals: int = 0


class Reconciler:
    def __init__(
        self, statements: Statements, sessions: Sessions, vectors: VectorIndex, storage: FileStorage
    ) -> None:
        self._statements = statements
        self._sessions = sessions
        self._vectors = vectors
        self._storage = storage

    async def reconcile(self, *, mend: bool) -> Findings:
        findings = Findings()
        await self._check_points(findings, mend=mend)
        findings.unused_collections = await self.drop_unused(mend=mend)
        await self._check_documents(findings, mend=mend)
        await self._check_jobs(findings, mend=mend)
        await self._check_files(findings, mend=mend)
        await self._check_totals(findings, mend=mend)
        return findings

    async def drop_unused(self, *, mend: bool = True) -> int:
        """Count, and drop, the collections that no document is in or on its way to."""
        present = await self._vectors.list_collections()  # First: one may be made any moment.
        used = set(await list_used(self._statements))
        async with self._sessions() as session:
            query = select(Document.next_collection).distinct()
            used |= {name for name in await session.scalars(query) if name is not None}
        unused = [name for name in present if name not in used]
        if mend:
            for name in unused:
                await self._vectors.drop_collection(name)
        return len(unused)

    async def _check_points(self, findings: Findings, *, mend: bool) -> None:
        for collection in await self._vectors.list_collections():
            async for ids in walk_points(self._vectors, collection):
                stale = await self._find_stale(collection, ids)
                findings.stale_points += len(stale)
                if mend and stale:
                    await self._vectors.delete_points(collection, stale)

    async def _find_stale(self, collection: str, ids: Sequence[UUID]) -> list[UUID]:
        async with self._sessions() as session:
            found = await session.scalars(
                select(Chunk.id)
                .join(Document, Document.id == Chunk.document_id)
                .where(
                    Chunk.id.in_(ids),
                    or_(
                        Document.collection == collection,
                        Document.next_collection == collection,
                    ),
                )
            )
            known = set(found.all())
        return [point_id for point_id in ids if point_id not in known]

    async def _check_documents(self, findings: Findings, *, mend: bool) -> None:
        async for document in self._list_documents():
            if not await self._storage.has(document.storage_key):
                findings.missing_files += 1
            if await self._is_incomplete(document):
                findings.incomplete_documents += 1
                if mend:
                    await self._index_anew(document)

    async def _is_incomplete(self, document: Document) -> bool:
        if document.status != "ready" or document.collection is None:
            return False
        scope = Scope(document.user_id, (document.id,))
        return await self._vectors.count(document.collection, scope) != document.chunks_total

    async def _index_anew(self, document: Document) -> None:
        """Unless somebody has begun with it since it was looked at."""
        async with self._sessions.begin() as session:
            changed = await session.scalar(
                update(Document)
                .where(Document.id == document.id, Document.attempt == document.attempt)
                .values(index_anew(document.collection))
                .returning(Document.id)
            )
            if changed is not None:
                await JobQueue(session).enqueue_again(document.id, document.user_id)

    async def _check_jobs(self, findings: Findings, *, mend: bool) -> None:
        """Every document with work to do has a job, from one transaction to the other."""
        query = select(Document.id, Document.user_id).where(HAS_WORK, _WITHOUT_JOB)
        async with self._sessions.begin() as session:
            stuck = (await session.execute(query)).all()
            findings.stuck_documents = len(stuck)
            for document_id, user_id in stuck if mend else ():
                await JobQueue(session).enqueue_again(document_id, user_id)

    async def _check_files(self, findings: Findings, *, mend: bool) -> None:
        async for batch in self._storage.list_keys():
            settled = [key for key, written_at in batch if utc_now() - written_at > _UPLOAD_TIME]
            for key in await self._find_stray(settled):
                findings.stray_files += 1
                if mend:
                    await self._storage.delete(key)

    async def _find_stray(self, keys: Sequence[str]) -> list[str]:
        async with self._sessions() as session:
            ids = [document_id for key in keys if (document_id := _read_id(key))]
            found = await session.scalars(select(Document.storage_key).where(Document.id.in_(ids)))
            known = set(found.all())
        return [key for key in keys if key not in known]

    async def _check_totals(self, findings: Findings, *, mend: bool) -> None:
        counted = (
            select(
                Document.user_id, func.count().label("n"), func.sum(Document.size_bytes).label("b")
            )
            .group_by(Document.user_id)
            .subquery()
        )
        is_wrong = or_(
            func.coalesce(counted.c.n, 0) != DocumentUsage.documents,
            func.coalesce(counted.c.b, 0) != DocumentUsage.size_bytes,
        )
        query = (
            select(DocumentUsage.user_id)
            .outerjoin(counted, counted.c.user_id == DocumentUsage.user_id)
            .where(is_wrong)
        )
        async with self._sessions() as session:
            users = (await session.scalars(query)).all()
        findings.wrong_totals = len(users)
        for user_id in users if mend else ():
            await self._count_anew(user_id)

    async def _count_anew(self, user_id: UUID) -> None:
        async with self._sessions.begin() as session:
            usage = await lock_usage(session, user_id)
            query = select(func.count(), func.coalesce(func.sum(Document.size_bytes), 0)).where(
                Document.user_id == user_id
            )
            usage.documents, usage.size_bytes = (await session.execute(query)).one()

    async def _list_documents(self) -> AsyncGenerator[Document]:
        after: UUID | None = None
        while True:
            query = select(Document).order_by(Document.id).limit(_PAGE)
            if after is not None:
                query = query.where(Document.id > after)
            async with self._sessions() as session:
                rows = (await session.scalars(query)).all()
            for row in rows:
                yield row
            if not rows:
                return
            after = rows[-1].id


def _read_id(key: str) -> UUID | None:
    try:
        return UUID(key.rpartition("/")[2])
    except ValueError:
        return None
