"""From a stored file to indexed passages, in steps that can all be repeated.

PostgreSQL is written first and the vector index second. The row says how far it came, so a job
that starts again, after a crash or a wait for a backing service, goes on from there.
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.database import Sessions, new_id
from src.documents.exceptions import DocumentVanishedError, ExtractionError
from src.documents.extraction import ExtractedChunk, extract
from src.documents.models import Chunk, Document
from src.documents.passages import compose_passage
from src.documents.queue import IngestJob, PurgeJob, PurgeUserJob
from src.documents.storage import FileStorage
from src.documents.vectors.base import ChunkPoint, VectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.exceptions import AppError
from src.llm.service import LLMService

log = structlog.get_logger(__name__)


class IngestionService:
    """Works through the jobs of documents. It holds no transaction while it waits for anything."""

    def __init__(
        self,
        sessions: Sessions,
        storage: FileStorage,
        vectors: VectorIndex,
        sparse: SparseEncoder,
        llm: LLMService,
        settings: DocumentSettings,
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._vectors = vectors
        self._sparse = sparse
        self._llm = llm
        self._settings = settings

    async def ingest(self, job: IngestJob) -> None:
        """Bring a document to `ready`, or to `failed` when its content is the reason."""
        document = await self._load(job.document_id)
        if document is None or document.status in ("ready", "failed"):
            return
        try:
            await self._update(document, status="processing", status_code=None, status_detail=None)
            if document.chunks_total is None:
                await self._extract(document)
            await self._index(document)
            await self._update(document, status="ready")
        except ExtractionError as error:
            await self.note(job, "failed", error)
        except DocumentVanishedError:
            await self._purge_vectors(document.user_id, document.id)

    async def note(
        self, job: IngestJob, status: Literal["pending", "failed"], reason: AppError
    ) -> None:
        """Say on the row why a document failed, or what it waits for."""
        log.warning("document set back", document_id=job.document_id, to=status, code=reason.code)
        async with self._sessions.begin() as session:
            await session.execute(
                update(Document)
                .where(Document.id == job.document_id)
                .values(status=status, status_code=reason.code, status_detail=reason.detail)
            )

    async def purge(self, job: PurgeJob) -> None:
        """Delete what a deleted document left behind, wherever it is."""
        await self._purge_vectors(job.user_id, job.document_id)
        await self._storage.delete(job.storage_key)

    async def purge_user(self, job: PurgeUserJob) -> None:
        """Delete whatever a deleted user left behind, also of uploads that were cut short."""
        for collection in await self._vectors.list_collections():
            await self._vectors.delete_user(collection, job.user_id)
        await self._storage.delete_folder(str(job.user_id))

    async def _load(self, document_id: UUID) -> Document | None:
        async with self._sessions() as session:
            return await session.get(Document, document_id)

    async def _extract(self, document: Document) -> None:
        content = await self._storage.read(document.storage_key)
        extraction = await extract(content, document.media_type, settings=self._settings)
        progress = {
            "page_count": extraction.page_count,
            "chunks_total": len(extraction.chunks),
            "chunks_done": 0,
        }
        async with self._sessions.begin() as session:
            await _write(session, document, progress)
            await session.execute(delete(Chunk).where(Chunk.document_id == document.id))
            await session.execute(insert(Chunk), _make_rows(document.id, extraction.chunks))

    async def _index(self, document: Document) -> None:
        identity = await self._llm.get_embedding_identity()
        collection = identity.collection_name
        if document.collection != collection:
            await self._update(document, collection=collection, chunks_done=0)
        await self._vectors.create_collection(collection, identity.dimension)
        while chunks := await self._load_batch(document):
            await self._vectors.upsert(collection, await self._make_points(document, chunks))
            await self._update(document, chunks_done=chunks[-1].ordinal + 1)

    async def _load_batch(self, document: Document) -> Sequence[Chunk]:
        async with self._sessions() as session:
            rows = await session.scalars(
                select(Chunk)
                .where(Chunk.document_id == document.id, Chunk.ordinal >= document.chunks_done)
                .order_by(Chunk.ordinal)
                .limit(self._settings.index_batch_size)
            )
            return rows.all()

    async def _make_points(self, document: Document, chunks: Sequence[Chunk]) -> list[ChunkPoint]:
        texts = [compose_passage(document.title, chunk.heading, chunk.text) for chunk in chunks]
        dense = await self._llm.embed_documents(texts)
        sparse = await asyncio.to_thread(
            lambda: [self._sparse.encode_document(text) for text in texts]
        )
        return [
            ChunkPoint(
                chunk_id=chunk.id,
                user_id=document.user_id,
                document_id=document.id,
                tags=tuple(document.tags),
                dense=dense_vector,
                sparse=sparse_vector,
            )
            for chunk, dense_vector, sparse_vector in zip(chunks, dense, sparse, strict=True)
        ]

    async def _update(self, document: Document, **values: object) -> None:
        async with self._sessions.begin() as session:
            await _write(session, document, values)

    async def _purge_vectors(self, user_id: UUID, document_id: UUID) -> None:
        for collection in await self._vectors.list_collections():
            await self._vectors.delete_document(collection, user_id, document_id)


async def _write(session: AsyncSession, document: Document, values: Mapping[str, object]) -> None:
    """Change the row and our copy of it; the row may be gone, because users delete at any time."""
    found = await session.scalar(
        update(Document)
        .where(Document.id == document.id)
        .values(values)
        .returning(Document.id)
        .execution_options(synchronize_session=False)
    )
    if found is None:
        raise DocumentVanishedError
    for name, value in values.items():
        setattr(document, name, value)


def _make_rows(document_id: UUID, chunks: Sequence[ExtractedChunk]) -> list[dict[str, object]]:
    return [
        {"id": new_id(), "document_id": document_id, **dataclasses.asdict(chunk)}
        for chunk in chunks
    ]
