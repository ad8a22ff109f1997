"""Which collections documents are in: several, when the embedding model has changed meanwhile."""

from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update

from src.database import Sessions
from src.documents.models import Document
from src.documents.queue import IngestJob, JobQueue
from src.documents.vectors.base import VectorIndex
from src.documents.work import DocumentState
from src.statements import CompiledStatement, Statements

_BATCH = 500
# Behind every file that somebody waits for.
_LAST_IN_LINE = 1_000_000


_NEXT = CompiledStatement(
    select(func.min(Document.collection).label("name")).where(
        Document.collection > bindparam("last")
    )
)


async def list_used(statements: Statements) -> list[str]:
    """Every collection that whole documents are in, by one index probe for each."""
    used: list[str] = []
    while (row := await statements.fetch_one(_NEXT, last=used[-1] if used else "")) and row["name"]:
        used.append(row["name"])
    return used


async def enqueue_outdated(sessions: Sessions, collection: str) -> int:
    """Line up every ready document that is in another collection; return how many wait now.

    Repeatable: one that is lined up already is not lined up again.
    """
    after: UUID | None = None
    while True:
        async with sessions.begin() as session:
            query = select(Document.id).where(
                Document.status == "ready",
                Document.collection != collection,
                Document.next_collection.is_distinct_from(collection),
            )
            if after is not None:
                query = query.where(Document.id > after)
            ids = (await session.scalars(query.order_by(Document.id).limit(_BATCH))).all()
            if not ids:
                return await count_outdated(sessions, collection)
            await session.execute(
                update(Document)
                .where(Document.id.in_(ids))
                .values(next_collection=collection, chunks_done=0)
            )
            jobs = [IngestJob(document_id=document_id) for document_id in ids]
            await JobQueue(session).enqueue_ingest(jobs, behind=_LAST_IN_LINE)
        after = ids[-1]


async def count_outdated(sessions: Sessions, collection: str) -> int:
    query = select(func.count()).where(
        Document.status == "ready",
        or_(Document.collection != collection, Document.next_collection.is_not(None)),
    )
    async with sessions() as session:
        return await session.scalar(query) or 0


async def write_tags(vectors: VectorIndex, document: DocumentState) -> None:
    """Bring the tags of the row to every passage that is indexed."""
    tags = tuple(document.tags)
    for collection in {document.collection, document.next_collection}:
        if collection is not None:
            await vectors.update_tags(collection, document.user_id, document.id, tags)


async def delete_everywhere(vectors: VectorIndex, user_id: UUID, document_id: UUID) -> None:
    for collection in await vectors.list_collections():
        await vectors.delete_document(collection, user_id, document_id)
