"""From a stored file to indexed passages, in steps that can all be repeated.

PostgreSQL is written first and the vector index second. The row says how far it came, so a job
that starts again, after a crash or a wait for a backing service, goes on from there.
"""

import structlog

from src.documents.collections import delete_everywhere, delete_stale
from src.documents.exceptions import (
    DocumentLostError,
    ExtractionError,
    ProcessingFailedError,
)
from src.documents.indexing import DocumentIndexer
from src.documents.queue import IngestJob
from src.documents.reading.reader import DocumentReader
from src.documents.rows import DocumentRows
from src.documents.short import ShortDocuments
from src.documents.storage import FileStorage
from src.documents.vectors.base import VectorIndex
from src.documents.work import DocumentState, ShortDocument
from src.exceptions import UpstreamError
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

_MOST_FAILURES = 5


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

        Whatever else is raised has been noted, and is to be tried again. Where documents wait for
        their files to be read, a lower `place` goes first.
        """
        document = await self._rows.start(job.document_id)
        if document is None:
            await self._clean_up(job, document)
            return
        try:
            if document.chunks_total is None and await self._extract(document, place):
                return
            identity = await self._llm.get_embedding_identity()
            await self._indexer.index(document, identity, place)
        except DocumentLostError:
            await self._clean_up(job, document)
        except ExtractionError as error:
            await self._rows.note(document, "failed", error)
        except UpstreamError as error:  # Not the document's fault: it waits.
            await self._rows.note(document, "pending", error)
            raise
        except Exception:
            if await self._rows.count_failure(document) < _MOST_FAILURES:
                raise
            log.exception("ingestion given up", document_id=document.id)
            await self._rows.note(document, "failed", ProcessingFailedError())

    async def _clean_up(self, job: IngestJob, document: DocumentState | None) -> None:
        """Take back what was indexed for a document that is not there any more, or is another's."""
        if await self._rows.load(job.document_id) is None:
            await delete_everywhere(self._vectors, job.user_id, job.document_id)
        elif document is not None:
            await delete_stale(self._vectors, self._rows, document)

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
