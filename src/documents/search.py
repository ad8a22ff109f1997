"""Finding passages: the index proposes, PostgreSQL confirms."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from src.config import DocumentSettings
from src.database import Sessions
from src.documents.models import Chunk, Document
from src.documents.schemas import PassageRead, SearchCreate
from src.documents.vectors.base import Hit, HybridQuery, Scope, SearchMode, VectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.llm.service import LLMService

# Some hits may be stale, of documents that are gone; this many more are asked for.
_SPARE_HITS = 10


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to look for, and among whose documents."""

    text: str
    user_id: UUID
    limit: int
    document_ids: Sequence[UUID] | None = None
    tags: Sequence[str] | None = None
    mode: SearchMode = "hybrid"

    @classmethod
    def from_request(cls, user_id: UUID, request: SearchCreate) -> "SearchQuery":
        return cls(
            text=request.query,
            user_id=user_id,
            limit=request.limit,
            document_ids=request.document_ids,
            tags=request.tags,
            mode=request.mode,
        )


class SearchService:
    """Holds no transaction while the model embeds the query or the index searches."""

    def __init__(
        self,
        sessions: Sessions,
        vectors: VectorIndex,
        sparse: SparseEncoder,
        llm: LLMService,
        settings: DocumentSettings,
    ) -> None:
        self._sessions = sessions
        self._vectors = vectors
        self._sparse = sparse
        self._llm = llm
        self._dense_weight = settings.dense_weight

    async def search(self, query: SearchQuery) -> list[PassageRead]:
        """Return the best passages, best first."""
        identity = await self._llm.get_embedding_identity()
        dense: list[float] = []
        if query.mode != "sparse":
            dense = await self._llm.embed_query(query.text, user_id=query.user_id)
        hits = await self._vectors.search(
            identity.collection_name,
            HybridQuery(
                dense,
                self._sparse.encode_query(query.text),
                query.mode,
                dense_weight=self._dense_weight,
            ),
            _get_scope(query),
            query.limit + _SPARE_HITS,
        )
        return (await self._confirm(query.user_id, hits))[: query.limit]

    async def _confirm(self, user_id: UUID, hits: Sequence[Hit]) -> list[PassageRead]:
        """Keep the hits whose passage exists and belongs to the asker, in their order."""
        if not hits:
            return []
        async with self._sessions() as session:
            rows = await session.execute(
                select(Chunk, Document)
                .join(Document, Document.id == Chunk.document_id)
                .where(Chunk.id.in_([hit.chunk_id for hit in hits]), Document.user_id == user_id)
            )
            found = {chunk.id: (chunk, document) for chunk, document in rows}
        return [_describe(*found[hit.chunk_id], hit.score) for hit in hits if hit.chunk_id in found]


def _get_scope(query: SearchQuery) -> Scope:
    return Scope(
        user_id=query.user_id,
        document_ids=None if query.document_ids is None else tuple(query.document_ids),
        tags=None if query.tags is None else tuple(query.tags),
    )


def _describe(chunk: Chunk, document: Document, score: float) -> PassageRead:
    return PassageRead(
        document_id=document.id,
        chunk_id=chunk.id,
        title=document.title,
        filename=document.filename,
        heading=chunk.heading,
        page_first=chunk.page_first,
        page_last=chunk.page_last,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        score=score,
    )
