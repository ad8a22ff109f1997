"""From a stored file to indexed passages, in steps that can all be repeated.

PostgreSQL is written first and the vector index second. The row says how far it came, so a job
that starts again, after a crash or a wait for a backing service, goes on from there.
"""

from src.documents.collections import delete_everywhere
from src.documents.exceptions import DocumentVanishedError, ExtractionError
from src.documents.indexing import DocumentIndexer
from src.documents.queue import IngestJob
from src.documents.reader import DocumentReader
from src.documents.rows import DocumentRows
from src.documents.short import ShortDocuments
from src.documents.storage import FileStorage
from src.documents.vectors.base import VectorIndex
from src.documents.work import DocumentState, ShortDocument
from src.llm.service import LLMService


class IngestionService:
    """It holds no transaction while it waits for anything."""

    def __init__(
        self,
        rows: DocumentRows,
        storage: FileStorage,
        reader: DocumentReader,
        vectors: VectorIndex,
        llm: LLMService,
        indexer: DocumentIndexer,
    ) -> None:
        self._rows = rows
        self._storage = storage
        self._reader = reader
        self._vectors = vectors
        self._llm = llm
        self._indexer = indexer
        self._shorts = ShortDocuments(rows, llm, indexer)

    async def ingest(self, job: IngestJob, *, place: int = 0) -> None:
        """Bring a document to `ready`, or to `failed` when its content is the reason.

        Where documents wait for their files to be read, a lower `place` goes first.
        """
        document = await self._rows.start(job.document_id)
        if document is None:
            return
        try:
            if document.chunks_total is None and await self._extract(document, place):
                return
            await self._indexer.index(document, await self._llm.get_embedding_identity())
        except ExtractionError as error:
            await self._rows.note(job, "failed", error)
        except DocumentVanishedError:
            await delete_everywhere(self._vectors, document.user_id, document.id)

    async def _extract(self, document: DocumentState, place: int) -> bool:
        """Whether it is ready as well, being short."""
        if document.collection or document.next_collection:
            await delete_everywhere(self._vectors, document.user_id, document.id)
        content = self._storage.open(document.storage_key, 0, document.size_bytes)
        async with self._reader.read(
            content, document.size_bytes, document.media_type, place=place
        ) as reading:
            async for batch in reading.chunks:
                if len(batch) < reading.chunk_count:
                    await self._rows.write_chunks(document, batch, reading)
        if len(batch) < reading.chunk_count:
            return False
        return await self._shorts.finish(ShortDocument(document, reading, batch))
