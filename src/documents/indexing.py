"""From stored passages to points in the index: embedded, written, noted, batch after batch.

A document fills `next_collection`, and once all its passages are there it becomes `collection`. So
one whose model has changed can be found in the old collection until the new one has all of it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from src.config import DocumentSettings
from src.documents.collections import write_tags
from src.documents.embedding import Embedding, PassageEmbedder
from src.documents.exceptions import DocumentLostError, UnknownCollectionError
from src.documents.passages import compose_passage
from src.documents.rows import DocumentRows
from src.documents.vectors.base import ChunkPoint, VectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.documents.work import DocumentState, Passage, ShortDocument
from src.llm.resolved import EmbeddingIdentity

# A long document steps back after this long when other users' documents wait.
_SLICE_SECONDS: Final = 15.0
# While the model has one of them, the other is looked up or remembered.
_BATCHES_AHEAD: Final = 2


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """Passages in their order, with the texts that were embedded."""

    document: DocumentState
    passages: Sequence[Passage]
    texts: Sequence[str]
    embeddings: Sequence[Embedding]

    def __iter__(self) -> Iterator[tuple[Passage, str, Embedding]]:
        return zip(self.passages, self.texts, self.embeddings, strict=True)

    @property
    def has_issues(self) -> bool:
        """Whether any of them was or is special to the model."""
        return any(passage.issue_code or made.issue_code for passage, _, made in self)

    @property
    def end(self) -> int:
        """The ordinal that the next batch begins with."""
        return self.passages[-1].ordinal + 1


class DocumentIndexer:
    """Goes on from where the row says that the index is."""

    def __init__(
        self,
        rows: DocumentRows,
        vectors: VectorIndex,
        sparse: SparseEncoder,
        embedder: PassageEmbedder,
        settings: DocumentSettings,
        *,
        slice_seconds: float = _SLICE_SECONDS,
    ) -> None:
        self._rows = rows
        self._vectors = vectors
        self._sparse = sparse
        self._embedder = embedder
        self._batch_size = settings.index_batch_size
        self._slice_seconds = slice_seconds
        self._created: set[str] = set()

    async def index(self, document: DocumentState, identity: EmbeddingIdentity, place: int) -> None:
        """Bring it to `ready`, or put its rest at the end of the line when others wait."""
        collection = identity.collection_name
        is_new = document.next_collection != collection
        anew = {"next_collection": collection, "chunks_done": 0} if is_new else {}
        if anew or document.step != "embedding":
            await self._rows.update(document, step="embedding", **anew)
        await self._create_collection(collection, identity.dimension)
        clock = asyncio.get_running_loop().time
        slice_ends_at = clock() + self._slice_seconds
        while True:
            async with aclosing(self._embed_ahead(document, collection)) as batches:
                async for batch in batches:
                    await self._upsert(collection, [batch])
                    await self._note_progress(batch)
                    is_late = clock() > slice_ends_at and batch.end != document.chunks_total
                    if is_late and await self._rows.step_back(document, place):
                        return
            if await self._finish(document, collection):
                return

    async def index_short(
        self, identity: EmbeddingIdentity, shorts: Sequence[ShortDocument]
    ) -> None:
        """Index all passages of several documents of one user at once, ahead of longer ones."""
        collection = identity.collection_name
        await self._create_collection(collection, identity.dimension)
        batches = await asyncio.gather(
            *(self._embed(collection, one.document, one.passages, rank=0) for one in shorts)
        )
        await self._upsert(collection, batches)
        for batch in batches:
            if batch.has_issues:
                await self._note_progress(batch)

    async def _create_collection(self, collection: str, dimension: int) -> None:
        if collection not in self._created:
            await self._vectors.create_collection(collection, dimension)
            self._created.add(collection)

    async def _embed_ahead(
        self, document: DocumentState, collection: str
    ) -> AsyncGenerator[EmbeddedBatch]:
        """Yield batch after batch; the next ones are on their way while its reader has the last."""
        ahead: deque[asyncio.Task[EmbeddedBatch]] = deque()
        try:
            for start in range(document.chunks_done, document.chunks_total or 0, self._batch_size):
                embedding = self._embed_batch(document, collection, start)
                ahead.append(asyncio.create_task(embedding))
                if len(ahead) > _BATCHES_AHEAD:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _embed_batch(
        self, document: DocumentState, collection: str, start: int
    ) -> EmbeddedBatch:
        passages = await self._rows.load_passages(document, start, self._batch_size)
        if not passages:
            raise DocumentLostError
        # A user's documents are finished in their order, not all at the end.
        return await self._embed(collection, document, passages, rank=document.id.int)

    async def _embed(
        self, collection: str, document: DocumentState, passages: Sequence[Passage], *, rank: int
    ) -> EmbeddedBatch:
        texts = [
            compose_passage(document.title, passage.heading, passage.text) for passage in passages
        ]
        embeddings = await self._embedder.embed(collection, texts, document.user_id, rank=rank)
        return EmbeddedBatch(document, passages, texts, embeddings)

    async def _upsert(self, collection: str, batches: Sequence[EmbeddedBatch]) -> None:
        points = await asyncio.to_thread(self._make_points, batches)
        try:
            await self._vectors.upsert(collection, points)
        except UnknownCollectionError:  # Somebody dropped it; the next attempt begins with it anew.
            self._created.discard(collection)
            for batch in batches:
                await self._rows.update(batch.document, chunks_done=0)
            raise

    async def _note_progress(self, batch: EmbeddedBatch) -> None:
        if batch.end == batch.document.chunks_total and not batch.has_issues:
            return  # It is ready at once, which says as much.
        embedded = [(passage, embedding) for passage, _, embedding in batch]
        await self._rows.write_progress(batch.document, batch.end, embedded)

    def _make_points(self, batches: Sequence[EmbeddedBatch]) -> list[ChunkPoint]:
        return [
            ChunkPoint(
                chunk_id=passage.id,
                user_id=batch.document.user_id,
                document_id=batch.document.id,
                tags=tuple(batch.document.tags),
                dense=embedding.vector,
                sparse=self._sparse.encode_document(text, batch.document.language),
            )
            for batch in batches
            for passage, text, embedding in batch
        ]

    async def _finish(self, document: DocumentState, collection: str) -> bool:
        """Whether it is ready now. The owner may have changed what was indexed in the meantime."""
        former = document.collection
        if not await self._rows.mark_ready([document], collection):
            await self._catch_up(document)
            return False
        if former not in (None, collection):
            await self._vectors.delete_document(former, document.user_id, document.id)
        return True

    async def _catch_up(self, document: DocumentState) -> None:
        current = await self._rows.load(document.id)
        if current is None:
            raise DocumentLostError
        if current.title != document.title:
            await self._rows.update(document, chunks_done=0)
        document.title, document.tags = current.title, current.tags
        await write_tags(self._vectors, current)
