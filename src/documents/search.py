"""Finding passages: the index proposes, PostgreSQL confirms."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import TEXT, Uuid, any_, bindparam, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from src.config import DocumentSettings
from src.documents.collections import list_used
from src.documents.models import Chunk, Document
from src.documents.ranking import (
    FoundPassage,
    choose_passages,
    join_hits,
    normalise,
    score_as_one_side,
)
from src.documents.schemas import PassageRead, SearchCreate
from src.documents.usage import read_languages
from src.documents.vectors.base import (
    Hit,
    HybridQuery,
    Scope,
    SearchMode,
    SparseVector,
    VectorIndex,
)
from src.documents.vectors.sparse import SparseEncoder
from src.llm.service import LLMService
from src.metrics import SEARCH_DURATION, measure
from src.statements import CompiledStatement, Statements

# Some hits may be stale, of documents that are gone, and some join a better one beside them.
_SPARE_HITS = 10
_HITS_PER_PASSAGE = 4
_USED_SECONDS = 5.0

_DOCUMENT_IDS = bindparam("document_ids", type_=ARRAY(Uuid))
_TAGS = bindparam("tags", type_=ARRAY(TEXT))
# With a limit of its own, a document is looked up by its id whatever the planner believes: joined,
# it may go through all documents of the user, as long as the statistics know little of them.
_DOCUMENT = (
    select(Document.id, Document.user_id, Document.title, Document.filename, Document.tags)
    .where(Document.id == Chunk.document_id)
    .limit(literal_column("1"))
    .lateral("document")
)
CONFIRM = CompiledStatement(
    select(
        *(Chunk.id.label("chunk_id"), Chunk.document_id, Chunk.ordinal, Chunk.heading, Chunk.text),
        *(Chunk.page_first, Chunk.page_last, Chunk.start, Chunk.end),
        *(_DOCUMENT.c.title, _DOCUMENT.c.filename),
    )
    .join(_DOCUMENT, true())
    .where(
        Chunk.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        _DOCUMENT.c.user_id == bindparam("user_id"),
        or_(_DOCUMENT_IDS.is_(None), _DOCUMENT.c.id == any_(_DOCUMENT_IDS)),
        or_(_TAGS.is_(None), _DOCUMENT.c.tags.overlap(_TAGS)),
    )
)


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
        statements: Statements,
        vectors: VectorIndex,
        sparse: SparseEncoder,
        llm: LLMService,
        settings: DocumentSettings,
    ) -> None:
        self._statements = statements
        self._vectors = vectors
        self._sparse = sparse
        self._llm = llm
        self._dense_weight = settings.dense_weight
        self._used: list[str] = []
        self._used_until = 0.0
        self._looking_up = asyncio.Lock()

    async def search(self, query: SearchQuery) -> list[PassageRead]:
        """Return the best passages, best first."""
        with measure(SEARCH_DURATION, "search", mode=query.mode):
            return await self._search(query)

    async def _search(self, query: SearchQuery) -> list[PassageRead]:
        collection = (await self._llm.get_embedding_identity()).collection_name
        dense, sparse = await asyncio.gather(self._embed(query), self._encode(query))
        asked = HybridQuery(dense, sparse, query.mode, dense_weight=self._dense_weight)
        depth = _HITS_PER_PASSAGE * query.limit + _SPARE_HITS
        scope = _get_scope(query)
        hits = await self._vectors.search(collection, asked, scope, depth)
        hits = normalise(hits, asked)
        for former in await self._list_former(collection):
            hits = join_hits(hits, await self._search_words(former, asked, scope, depth))
        chosen = choose_passages(await self._confirm(query, hits), query.limit)
        return [PassageRead.model_validate(passage) for passage in chosen]

    async def _embed(self, query: SearchQuery) -> list[float]:
        if query.mode == "sparse":
            return []
        return await self._llm.embed_query(query.text)

    async def _encode(self, query: SearchQuery) -> SparseVector:
        if query.mode == "dense":
            return SparseVector((), ())
        languages = await read_languages(self._statements, query.user_id)
        return self._sparse.encode_query(query.text, languages)

    async def _list_former(self, current: str) -> list[str]:
        """Collections of former models that documents are still in; looked up now and then."""
        async with self._looking_up:  # One for all who search at this moment.
            now = asyncio.get_running_loop().time()
            if now > self._used_until:
                self._used = await list_used(self._statements)
                self._used_until = now + _USED_SECONDS
        return [collection for collection in self._used if collection != current]

    async def _search_words(
        self, collection: str, asked: HybridQuery, scope: Scope, depth: int
    ) -> list[Hit]:
        """The model of a former collection may be gone, but words mean the same in all of them."""
        if asked.mode == "dense":
            return []
        words = replace(asked, mode="sparse")
        hits = await self._vectors.search(collection, words, scope, depth)
        return hits if asked.mode == "sparse" else score_as_one_side(hits, asked)

    async def _confirm(self, query: SearchQuery, hits: Sequence[Hit]) -> list[FoundPassage]:
        """Keep the hits whose passage exists and is among those asked for, in their order."""
        if not hits:
            return []
        rows = await self._statements.fetch_all(
            CONFIRM,
            ids=[hit.chunk_id for hit in hits],
            user_id=query.user_id,
            document_ids=query.document_ids,
            tags=query.tags,
        )
        found = {row["chunk_id"]: row for row in rows}
        return [
            FoundPassage(**row, score=hit.score) for hit in hits if (row := found.get(hit.chunk_id))
        ]


def _get_scope(query: SearchQuery) -> Scope:
    return Scope(
        user_id=query.user_id,
        document_ids=None if query.document_ids is None else tuple(query.document_ids),
        tags=None if query.tags is None else tuple(query.tags),
    )
