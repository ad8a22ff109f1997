"""Documents of one user: listed, changed, deleted. See `upload` and `search` for the rest."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.documents.collections import index_anew
from src.documents.download import ByteRange
from src.documents.exceptions import DocumentNotFoundError, FileGoneError, StoredFileMissingError
from src.documents.listing import DocumentFilter, encode_position, sort_documents
from src.documents.models import Chunk, Document
from src.documents.queue import JobQueue, PurgeJob, RetagJob
from src.documents.schemas import (
    ChunkPage,
    ChunkRead,
    DocumentRead,
    DocumentSort,
    DocumentUpdate,
    StorageUsageRead,
)
from src.documents.storage import FileStorage
from src.documents.usage import lock_usage, read_usage
from src.schemas import Page


class DocumentService:
    def __init__(
        self,
        session: AsyncSession,
        queue: JobQueue,
        storage: FileStorage,
        settings: DocumentSettings,
    ) -> None:
        self._session = session
        self._queue = queue
        self._storage = storage
        self._settings = settings

    async def list_documents(
        self,
        user_id: UUID,
        filter_: DocumentFilter,
        sort: DocumentSort,
        cursor: str | None,
        limit: int,
    ) -> Page[DocumentRead]:
        query = sort_documents(filter_.narrow(_owned_by(user_id)), sort, cursor)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page = rows[:limit]
        return Page(
            items=[DocumentRead.model_validate(row) for row in page],
            next_cursor=encode_position(page[-1], sort) if len(rows) > limit else None,
        )

    async def get(self, user_id: UUID, document_id: UUID) -> Document:
        document = await self._session.scalar(_owned_by(user_id).where(Document.id == document_id))
        if document is None:
            raise DocumentNotFoundError
        return document

    async def update(self, document: Document, changes: DocumentUpdate) -> DocumentRead:
        """A new title is part of every passage that the models see, so they are indexed anew.

        Who is at that already, or still at the document itself, notices at the end.
        """
        document = await self._lock(document)
        values = changes.model_dump(include=changes.model_fields_set)
        is_renamed = "title" in values and values["title"] != document.title
        is_indexed = document.status == "ready" and document.next_collection != document.collection
        if is_renamed and is_indexed:
            values |= index_anew(document.collection)
            await self._queue.enqueue_again(document.id, document.user_id)
        elif "tags" in values and values["tags"] != document.tags:
            await self._queue.enqueue_retag([RetagJob(document_id=document.id)])
        return await self._change(document, values)

    async def reprocess(self, document: Document) -> DocumentRead:
        """Begin again with the stored file; one that is still being processed is left to go on."""
        document = await self._lock(document)
        if document.status in ("pending", "processing"):
            return DocumentRead.model_validate(document)
        await self._queue.enqueue_again(document.id, document.user_id)
        values = {"status_code": None, "status_detail": None, "failures": 0, "chunks_total": None}
        anew = index_anew(document.next_collection)
        return await self._change(document, {"status": "pending", "step": None, **values, **anew})

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
        usage = await lock_usage(self._session, document.user_id)
        deleted = await self._session.scalar(
            delete(Document).where(Document.id == document.id).returning(Document.id)
        )
        if deleted is None:
            raise DocumentNotFoundError
        usage.documents -= 1
        usage.size_bytes -= document.size_bytes
        job = PurgeJob(
            document_id=document.id, user_id=document.user_id, storage_key=document.storage_key
        )
        await self._queue.enqueue_purge([job])

    async def read_content(self, document: Document, wanted: ByteRange) -> AsyncGenerator[bytes]:
        """Yield part of the stored file. Uses no database, so it outlives the session."""
        content = self._storage.open(document.storage_key, wanted.start, wanted.end)
        try:
            async for block in content:
                yield block
        except StoredFileMissingError as error:
            raise FileGoneError from error
        finally:
            await content.aclose()

    async def get_usage(self, user_id: UUID) -> StorageUsageRead:
        usage = await read_usage(self._session, user_id)
        return StorageUsageRead(
            documents=usage.documents,
            size_bytes=usage.size_bytes,
            max_documents=self._settings.max_documents_per_user,
            max_bytes=self._settings.max_bytes_per_user,
        )

    async def _lock(self, document: Document) -> Document:
        """Return it as it is now, and will be until the transaction ends."""
        query = select(Document).where(Document.id == document.id).with_for_update(key_share=True)
        locked = await self._session.scalar(query.execution_options(populate_existing=True))
        if locked is None:
            raise DocumentNotFoundError
        return locked

    async def _change(self, document: Document, values: dict[str, object]) -> DocumentRead:
        changed = await self._session.scalar(
            update(Document)
            .where(Document.id == document.id)
            .values({**values, "updated_at": func.now()})
            .returning(Document)
            .execution_options(populate_existing=True)
        )
        if changed is None:
            raise DocumentNotFoundError
        return DocumentRead.model_validate(changed)


def _owned_by(user_id: UUID) -> Select[Document]:
    """Every statement on documents starts here: nobody reaches another user's."""
    return select(Document).where(Document.user_id == user_id)
