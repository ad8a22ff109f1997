"""From a stored file to indexed passages, in steps that can all be repeated.

PostgreSQL is written first and the vector index second. The row says how far it came, so a job
that starts again, after a crash or a wait for a backing service, goes on from there.

A document fills `next_collection`, and once all its passages are there it becomes `collection`. So
one whose model has changed can be found in the old collection until the new one has all of it.
"""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import case, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.database import Sessions, new_id
from src.documents.embedding import IN_PART, SIMPLIFIED, Embedding, PassageEmbedder
from src.documents.exceptions import DocumentVanishedError, ExtractionError
from src.documents.extraction import ExtractedChunk
from src.documents.models import Chunk, Document
from src.documents.passages import compose_passage
from src.documents.queue import IngestJob, JobQueue, PurgeJob, PurgeUserJob, RetagJob
from src.documents.reader import DocumentReader, Reading
from src.documents.storage import FileStorage
from src.documents.usage import note_language
from src.documents.vectors.base import ChunkPoint, VectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.exceptions import AppError
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

# A long document steps back after this long when other users' documents wait.
_SLICE_SECONDS: Final = 15.0
PASSAGES_SKIPPED: Final = "passages_skipped"


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """Passages in their order, with the texts that were embedded."""

    chunks: Sequence[Chunk]
    texts: Sequence[str]
    embeddings: Sequence[Embedding]

    def __iter__(self) -> Iterator[tuple[Chunk, str, Embedding]]:
        return zip(self.chunks, self.texts, self.embeddings, strict=True)

    @property
    def has_issues(self) -> bool:
        """Whether any of them was or is special to the model."""
        return any(chunk.issue_code or made.issue_code for chunk, _, made in self)

    @property
    def end(self) -> int:
        """The ordinal that the next batch begins with."""
        return self.chunks[-1].ordinal + 1


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
        reader: DocumentReader,
        *,
        slice_seconds: float = _SLICE_SECONDS,
    ) -> None:
        self._sessions = sessions
        self._storage = storage
        self._vectors = vectors
        self._sparse = sparse
        self._llm = llm
        self._settings = settings
        self._reader = reader
        self._embedder = PassageEmbedder(sessions, llm, cache_days=settings.embedding_cache_days)
        self._slice_seconds = slice_seconds

    async def ingest(self, job: IngestJob) -> None:
        """Bring a document to `ready`, or to `failed` when its content is the reason."""
        document = await self._load(job.document_id)
        if document is None or not _has_work(document):
            return
        try:
            if document.chunks_total is None:
                await self._extract(document)
            await self._index(document)
        except ExtractionError as error:
            await self.note(job, "failed", error)
        except DocumentVanishedError:
            await self._purge_vectors(document.user_id, document.id)

    async def note(
        self, job: IngestJob, status: Literal["pending", "failed"], reason: AppError
    ) -> None:
        """Say on the row why a document failed, or what it waits for.

        One that is ready stays so while it waits: it can be searched as it was before.
        """
        log.warning("document set back", document_id=job.document_id, to=status, code=reason.code)
        kept = case((Document.status == "ready", "ready"), else_="pending")
        values = {"status_code": reason.code, "status_detail": reason.detail, "step": None}
        async with self._sessions.begin() as session:
            await session.execute(
                update(Document)
                .where(Document.id == job.document_id)
                .values(status=kept if status == "pending" else status, **values)
            )

    async def count_failure(self, job: IngestJob) -> int:
        """Count what nobody foresaw, apart from waiting; return how often it was by now."""
        async with self._sessions.begin() as session:
            failures = await session.scalar(
                update(Document)
                .where(Document.id == job.document_id)
                .values(failures=Document.failures + 1)
                .returning(Document.failures)
            )
        return failures or 0

    async def retag(self, job: RetagJob) -> None:
        """Bring the tags of the row to every passage that is indexed."""
        document = await self._load(job.document_id)
        if document is not None:
            await self._write_tags(document)

    async def purge(self, job: PurgeJob) -> None:
        """Delete what a deleted document left behind, wherever it is."""
        await self._purge_vectors(job.user_id, job.document_id)
        await self._storage.delete(job.storage_key)

    async def purge_user(self, job: PurgeUserJob) -> None:
        """Delete whatever a deleted user left behind, also of uploads that were cut short."""
        for collection in await self._vectors.list_collections():
            await self._vectors.delete_user(collection, job.user_id)
        await self._storage.delete_folder(str(job.user_id))

    async def tidy(self) -> None:
        """Delete what was kept for a while and is not needed any more."""
        await self._embedder.forget_unused()
        await self._storage.delete_unfinished()

    async def _load(self, document_id: UUID) -> Document | None:
        async with self._sessions() as session:
            return await session.get(Document, document_id)

    async def _extract(self, document: Document) -> None:
        """Write the passages, in batches; until the last is there, their number stays unknown."""
        if document.collection or document.next_collection:
            await self._purge_vectors(document.user_id, document.id)
        async with self._sessions.begin() as session:
            started = {**_start(document), "step": "extracting", "chunks_skipped": 0}
            await _write(session, document, started)
            await session.execute(delete(Chunk).where(Chunk.document_id == document.id))
        content = self._storage.open(document.storage_key, 0, document.size_bytes)
        async with self._reader.read(content, document.size_bytes, document.media_type) as reading:
            left = reading.chunk_count
            async for batch in reading.chunks:
                left -= len(batch)
                await self._write_chunks(document, batch, None if left else reading)

    async def _write_chunks(
        self, document: Document, chunks: Sequence[ExtractedChunk], done: Reading | None
    ) -> None:
        """Write a batch of passages, and with the last one what there is to say of all of them."""
        values: dict[str, object] = {"step": "extracting"}
        if done is not None:
            values |= {
                "page_count": done.page_count,
                "language": done.language,
                "chunks_total": done.chunk_count,
                "chunks_done": 0,
                "next_collection": None,
            }
        async with self._sessions.begin() as session:
            await _write(session, document, values)  # Raises when it is gone.
            await session.execute(insert(Chunk), _make_rows(document.id, chunks))
            if done is not None and done.language:
                await note_language(session, document.user_id, done.language)

    async def _index(self, document: Document) -> None:
        identity = await self._llm.get_embedding_identity()
        collection = identity.collection_name
        started: dict[str, object] = {**_start(document), "step": "embedding"}
        if document.next_collection != collection:
            started |= {"next_collection": collection, "chunks_done": 0}
        await self._update(document, **started)
        await self._vectors.create_collection(collection, identity.dimension)
        clock = asyncio.get_running_loop().time
        slice_ends_at = clock() + self._slice_seconds
        while True:
            async with aclosing(self._embed_ahead(document, collection)) as batches:
                async for batch in batches:
                    await self._write_batch(document, collection, batch)
                    if clock() > slice_ends_at and await self._step_back(document):
                        return
            if await self._finish(document, collection):
                return

    async def _embed_ahead(
        self, document: Document, collection: str
    ) -> AsyncGenerator[EmbeddedBatch]:
        """Yield batch after batch; the next is being embedded while its reader has the last."""
        ahead = asyncio.create_task(self._embed_batch(document, collection, document.chunks_done))
        try:
            while batch := await ahead:
                ahead = asyncio.create_task(self._embed_batch(document, collection, batch.end))
                yield batch
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _embed_batch(
        self, document: Document, collection: str, start: int
    ) -> EmbeddedBatch | None:
        if start >= (document.chunks_total or 0):
            return None
        async with self._sessions() as session:
            rows = await session.scalars(
                select(Chunk)
                .where(Chunk.document_id == document.id, Chunk.ordinal >= start)
                .order_by(Chunk.ordinal)
                .limit(self._settings.index_batch_size)
            )
            chunks = rows.all()
        texts = [compose_passage(document.title, chunk.heading, chunk.text) for chunk in chunks]
        return EmbeddedBatch(chunks, texts, await self._embedder.embed(collection, texts))

    async def _write_batch(self, document: Document, collection: str, batch: EmbeddedBatch) -> None:
        points = await asyncio.to_thread(self._make_points, document, batch)
        await self._vectors.upsert(collection, points)
        if batch.end == document.chunks_total and not batch.has_issues:
            return  # It is ready at once, which says as much.
        async with self._sessions.begin() as session:
            await _write(session, document, {"chunks_done": batch.end})
            await _write_issues(session, batch)

    def _make_points(self, document: Document, batch: EmbeddedBatch) -> list[ChunkPoint]:
        return [
            ChunkPoint(
                chunk_id=chunk.id,
                user_id=document.user_id,
                document_id=document.id,
                tags=tuple(document.tags),
                dense=embedding.vector,
                sparse=self._sparse.encode_document(text, document.language),
            )
            for chunk, text, embedding in batch
        ]

    async def _step_back(self, document: Document) -> bool:
        """Whether the rest was put at the end of the line, because others wait."""
        others = exists().where(Document.status == "pending", Document.user_id != document.user_id)
        waiting = select(func.count()).where(
            Document.status.in_(["pending", "processing"]), Document.user_id == document.user_id
        )
        async with self._sessions.begin() as session:
            if not await session.scalar(select(others)):
                return False
            behind = await session.scalar(waiting) or 0
            job = IngestJob(document_id=document.id)
            await JobQueue(session).enqueue_ingest([job], behind=behind)
        return True

    async def _finish(self, document: Document, collection: str) -> bool:
        """Whether it is ready now. The owner may have changed what was indexed in the meantime."""
        former = document.collection
        if not await self._mark_ready(document, collection):
            await self._catch_up(document)
            return False
        if former not in (None, collection):
            await self._vectors.delete_document(former, document.user_id, document.id)
        return True

    async def _mark_ready(self, document: Document, collection: str) -> bool:
        is_as_indexed = (Document.title == document.title) & (Document.tags == document.tags)
        async with self._sessions.begin() as session:
            skipped = await _count_skipped(session, document)
            done = await session.scalar(
                update(Document)
                .where(Document.id == document.id, is_as_indexed)
                .values(_describe_end(document, collection, skipped))
                .returning(Document.id)
                .execution_options(synchronize_session=False)
            )
        return done is not None

    async def _catch_up(self, document: Document) -> None:
        current = await self._load(document.id)
        if current is None:
            raise DocumentVanishedError
        if current.title != document.title:
            await self._update(document, chunks_done=0)
        document.title, document.tags = current.title, current.tags
        await self._write_tags(current)

    async def _write_tags(self, document: Document) -> None:
        for collection in {document.collection, document.next_collection}:
            if collection is not None:
                await self._vectors.update_tags(
                    collection, document.user_id, document.id, tuple(document.tags)
                )

    async def _update(self, document: Document, **values: object) -> None:
        async with self._sessions.begin() as session:
            await _write(session, document, values)

    async def _purge_vectors(self, user_id: UUID, document_id: UUID) -> None:
        for collection in await self._vectors.list_collections():
            await self._vectors.delete_document(collection, user_id, document_id)


def _has_work(document: Document) -> bool:
    """A document that is ready has work when it is to be indexed anew."""
    if document.status == "ready":
        return document.next_collection is not None
    return document.status != "failed"


def _start(document: Document) -> dict[str, object]:
    """One that is ready stays so while it is indexed anew: it can be searched as it was before."""
    if document.status == "ready":
        return {}
    return {"status": "processing", "status_code": None, "status_detail": None}


def _describe_end(document: Document, collection: str, skipped: int) -> dict[str, object]:
    detail = f"{skipped} passages can be found by their words alone; the list of passages says why."
    return {
        "status": "ready",
        "step": None,
        "collection": collection,
        "next_collection": None,
        "chunks_done": document.chunks_total,
        "chunks_skipped": skipped,
        "failures": 0,
        "status_code": PASSAGES_SKIPPED if skipped else None,
        "status_detail": detail if skipped else None,
    }


async def _count_skipped(session: AsyncSession, document: Document) -> int:
    query = select(func.count()).where(
        Chunk.document_id == document.id,
        Chunk.issue_code.is_not(None),
        Chunk.issue_code.not_in([IN_PART, SIMPLIFIED]),
    )
    return await session.scalar(query) or 0


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


async def _write_issues(session: AsyncSession, batch: EmbeddedBatch) -> None:
    for chunk, _, embedding in batch:
        if embedding.issue_code != chunk.issue_code:
            await session.execute(
                update(Chunk)
                .where(Chunk.id == chunk.id)
                .values(issue_code=embedding.issue_code, issue_detail=embedding.issue_detail)
                .execution_options(synchronize_session=False)
            )


def _make_rows(document_id: UUID, chunks: Sequence[ExtractedChunk]) -> list[dict[str, object]]:
    return [
        {"id": new_id(), "document_id": document_id, **dataclasses.asdict(chunk)}
        for chunk in chunks
    ]
