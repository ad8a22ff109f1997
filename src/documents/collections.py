"""Which collections documents are in: several, when the embedding model has changed meanwhile."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import bindparam, func, or_, select, update

from src.database import Sessions
from src.documents.models import Document
from src.documents.queue import LAST_IN_LINE, IngestJob, JobQueue
from src.documents.rows import DocumentRows
from src.documents.vectors.base import Scope, VectorIndex
from src.documents.work import DocumentState
from src.statements import CompiledStatement, Statements

_BATCH = 500

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


def index_anew(collection: str | None) -> dict[str, object]:
    """What the row of a ready document says when all its passages are to be indexed once more.

    Whoever works on it works on what it was before, and writes nothing any more.
    """
    return {"next_collection": collection, "chunks_done": 0, "attempt": Document.attempt + 1}


async def enqueue_outdated(sessions: Sessions, collection: str) -> int:
    """Line up every ready document that is in another collection; return how many wait now.

    Repeatable: one that is lined up already is not lined up again.
    """
    after: UUID | None = None
    while True:
        async with sessions.begin() as session:
            query = select(Document.id, Document.user_id).where(
                Document.status == "ready",
                Document.collection != collection,
                Document.next_collection.is_distinct_from(collection),
            )
            if after is not None:
                query = query.where(Document.id > after)
            query = query.order_by(Document.id).limit(_BATCH).with_for_update(key_share=True)
            rows = (await session.execute(query)).all()
            if not rows:
                return await count_outdated(sessions, collection)
            await session.execute(
                update(Document)
                .where(Document.id.in_([document_id for document_id, _ in rows]))
                .values(index_anew(collection))
            )
            jobs = [IngestJob(document_id=row.id, user_id=row.user_id) for row in rows]
            await JobQueue(session).enqueue_ingest(jobs, behind=LAST_IN_LINE)
        after = rows[-1].id


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


async def walk_points(
    vectors: VectorIndex, collection: str, scope: Scope | None = None
) -> AsyncIterator[list[UUID]]:
    """All points of a collection, or those in scope, page after page; they may go meanwhile."""
    after: UUID | None = None
    while ids := await vectors.list_points(collection, after, _BATCH, scope):
        yield ids
        after = ids[-1]


async def delete_stale(vectors: VectorIndex, rows: DocumentRows, document: DocumentState) -> None:
    """Delete what is indexed of a document without a passage behind it."""
    scope = Scope(document.user_id, (document.id,))
    for collection in await vectors.list_collections():
        async for ids in walk_points(vectors, collection, scope):
            if gone := await rows.list_gone(ids):
                await vectors.delete_points(collection, gone)


async def delete_everywhere(vectors: VectorIndex, user_id: UUID, document_id: UUID) -> None:
    for collection in await vectors.list_collections():
        await vectors.delete_document(collection, user_id, document_id)
