"""Short documents of one user, brought from their passages to `ready` together.

They share a statement, a request and a write wherever each would need its own: nine tenths of the
work on a document of a page or two are round trips. Whatever goes wrong with several is tried with
each alone, and what is not ready then goes on as a long document does.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from src.combining import Combiner
from src.documents.exceptions import DocumentLostError
from src.documents.indexing import DocumentIndexer
from src.documents.rows import DocumentRows
from src.documents.work import ShortDocument
from src.llm.service import LLMService

_MOST_PASSAGES: Final = 64


class ShortDocuments:
    def __init__(self, rows: DocumentRows, llm: LLMService, indexer: DocumentIndexer) -> None:
        self._rows = rows
        self._llm = llm
        self._indexer = indexer
        self._together = Combiner(
            self._finish, most=_MOST_PASSAGES, weigh=lambda short: len(short.chunks)
        )

    async def finish(self, short: ShortDocument) -> bool:
        """Whether it is ready; otherwise its row says how far it came."""
        return await self._together.do(short.document.user_id, short) or False

    async def _finish(self, _: UUID, shorts: Sequence[ShortDocument]) -> list[bool | None]:
        identity = await self._llm.get_embedding_identity()
        collection = identity.collection_name
        if unwritten := [short for short in shorts if short.document.chunks_total is None]:
            await self._rows.write_short(unwritten, collection)
        written = [short for short in shorts if short.document.chunks_total is not None]
        if not written:
            raise DocumentLostError
        await self._indexer.index_short(identity, written)
        ready = await self._rows.mark_ready([short.document for short in written], collection)
        return [short.document.id in ready or None for short in shorts]
