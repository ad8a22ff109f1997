"""Documents of one user: listed, read and deleted. Uploads are in `upload`, reading in `search`."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from src.documents.exceptions import DocumentNotFoundError
from src.documents.models import Chunk, Document
from src.documents.queue import JobQueue, PurgeJob
from src.documents.schemas import ChunkPage, ChunkRead, DocumentRead, DocumentStatus
from src.schemas import Page, cut_page, decode_cursor


class DocumentService:
    def __init__(self, session: AsyncSession, queue: JobQueue) -> None:
        self._session = session
        self._queue = queue

    async def list_documents(
        self, user_id: UUID, status: DocumentStatus | None, cursor: str | None, limit: int
    ) -> Page[DocumentRead]:
        """Page through the documents of a user, the newest first."""
        query = _owned_by(user_id).order_by(Document.created_at.desc(), Document.id.desc())
        if status is not None:
            query = query.where(Document.status == status)
        if cursor is not None:
            position = decode_cursor(cursor)
            query = query.where(tuple_(Document.created_at, Document.id) < position)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.created_at, row.id))
        return Page(
            items=[DocumentRead.model_validate(row) for row in page], next_cursor=next_cursor
        )

    async def get(self, user_id: UUID, document_id: UUID) -> Document:
        document = await self._session.scalar(_owned_by(user_id).where(Document.id == document_id))
        if document is None:
            raise DocumentNotFoundError
        return document

    async def list_chunks(self, document: Document, from_ordinal: int, limit: int) -> ChunkPage:
        rows: Sequence[Chunk] = (
            await self._session.scalars(
                select(Chunk)
                .where(Chunk.document_id == document.id, Chunk.ordinal >= from_ordinal)
                .order_by(Chunk.ordinal)
                .limit(limit + 1)
            )
        ).all()
        return ChunkPage(
            items=[ChunkRead.model_validate(row) for row in rows[:limit]],
            next_ordinal=rows[limit].ordinal if len(rows) > limit else None,
        )

    async def delete(self, document: Document) -> None:
        """Delete the row at once, and with it enqueue the purge of its vectors and its file."""
        await self._session.delete(document)
        await self._queue.enqueue_purge(
            [
                PurgeJob(
                    document_id=document.id,
                    user_id=document.user_id,
                    storage_key=document.storage_key,
                )
            ]
        )


def _owned_by(user_id: UUID) -> Select[Document]:
    """Every statement on documents starts here: nobody reaches another user's."""
    return select(Document).where(Document.user_id == user_id)
