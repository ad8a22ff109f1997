"""Vectors of passages: remembered where known, and asked for so that one bad text harms no other.

A model server may fail on a single text, for ever. The failing batch is cut in half until that
text is alone; then simpler and shorter forms of it are tried. Whether the text or the server is to
blame, a harmless text decides.
"""

import hashlib
import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import LargeBinary, Text, any_, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from src.combining import Combiner
from src.database import utc_now
from src.documents.models import CachedEmbedding
from src.exceptions import AppError
from src.llm.exceptions import (
    ContextLengthExceededError,
    LLMFailedError,
    LLMInvalidResponseError,
)
from src.llm.service import LLMService
from src.statements import CompiledStatement, Statements, TableParameter

log = structlog.get_logger(__name__)

_MAY_BLAME_TEXT: Final = (ContextLengthExceededError, LLMFailedError, LLMInvalidResponseError)
_HARMLESS: Final = "The weather is fine today."
_HALVINGS: Final = 3
_MOST_TEXTS: Final = 64
_ODD: Final = re.compile(r"[^\w\s.,;:!?'\"()%/+-]+")
_SENTENCE_END: Final = re.compile(r"[.!?]\s")
_REFRESHED_AFTER: Final = timedelta(days=1)
_MADE: Final = TableParameter("made", dict.fromkeys(("digest", "vector"), LargeBinary()))
_collection: Final = bindparam("collection", type_=Text)
_mine: Final = (
    CachedEmbedding.collection == _collection,
    CachedEmbedding.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary))),
)
_RECALL: Final = CompiledStatement(
    select(CachedEmbedding.digest, CachedEmbedding.vector, CachedEmbedding.used_at).where(*_mine)
)
_REFRESH: Final = CompiledStatement(
    update(CachedEmbedding).where(*_mine).values(used_at=func.now())
)
_REMEMBER: Final = CompiledStatement(
    insert(CachedEmbedding)
    .from_select(["collection", *_MADE.table.c.keys()], select(_collection, _MADE.table))
    .on_conflict_do_nothing()
)
_FORGET: Final = CompiledStatement(
    delete(CachedEmbedding).where(CachedEmbedding.used_at < bindparam("limit"))
)
IN_PART: Final = "embedded_in_part"
SIMPLIFIED: Final = "embedded_simplified"


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector, empty when the model has none for the text; `issue_*` say what it took.

    It is an array of single floats, as it is kept and indexed: between processes it is a copy.
    """

    vector: "array[float]"  # Before 3.12 the class takes no brackets itself.
    issue_code: str | None = None
    issue_detail: str | None = None


class PassageEmbedder:
    def __init__(self, statements: Statements, llm: LLMService, *, cache_days: int) -> None:
        self._statements = statements
        self._llm = llm
        self._cache_days = cache_days
        # Two rounds of each user: while the model has one, the other is looked up or remembered.
        self._together = Combiner(self._embed_groups, most=_MOST_TEXTS, rounds=2, weigh=len)

    async def embed(
        self, collection: str, texts: Sequence[str], user_id: UUID, *, rank: int = 0
    ) -> list[Embedding]:
        """Return one for each text, in order. Raises when the model server is to blame.

        Texts of a user that wait at the same moment are embedded together, and those of strangers
        never: one that the model fails on costs nobody else a moment.
        """
        return await self._together.do((collection, user_id), texts, rank=rank)

    async def forget_unused(self) -> None:
        """Delete what no document has asked for in a long time."""
        limit = utc_now() - timedelta(days=self._cache_days)
        await self._statements.fetch_all(_FORGET, limit=limit)

    async def _embed_groups(
        self, key: tuple[str, UUID], groups: Sequence[Sequence[str]]
    ) -> list[list[Embedding]]:
        collection, user_id = key
        digests = [[hashlib.sha256(text.encode()).digest() for text in texts] for texts in groups]
        texts = dict(zip(chain(*digests), chain(*groups), strict=True))
        known = await self._recall(collection, [*texts])
        missing = {digest: text for digest, text in texts.items() if digest not in known}
        embeddings = await self._embed_all([*missing.values()], user_id)
        made = dict(zip(missing, embeddings, strict=True))
        await self._remember(collection, made)
        known |= made
        return [[known[digest] for digest in group] for group in digests]

    async def _embed_all(self, texts: Sequence[str], user_id: UUID) -> list[Embedding]:
        if not texts:
            return []
        try:
            vectors = await self._llm.embed_documents(texts, user_id=user_id)
            return [Embedding(vector) for vector in vectors]
        except _MAY_BLAME_TEXT as error:
            if len(texts) == 1:
                return [await self._embed_alone(texts[0], user_id, error)]
        middle = len(texts) // 2
        return [
            *await self._embed_all(texts[:middle], user_id),
            *await self._embed_all(texts[middle:], user_id),
        ]

    async def _embed_alone(self, text: str, user_id: UUID, error: AppError) -> Embedding:
        await self._llm.embed_documents(
            [_HARMLESS], user_id=user_id
        )  # Raises when the text is not to blame.
        for form, code, detail in list_forms(text):
            try:
                (vector,) = await self._llm.embed_documents([form], user_id=user_id)
            except _MAY_BLAME_TEXT:
                continue
            return Embedding(vector, code, detail)
        log.warning("passage without a vector", code=error.code)
        return Embedding(
            array("f"), error.code, f"The model cannot embed this passage: {error.detail}"
        )

    async def _recall(self, collection: str, digests: Sequence[bytes]) -> dict[bytes, Embedding]:
        if not self._cache_days:
            return {}
        mine = {"collection": collection, "digests": digests}
        rows = await self._statements.fetch_all(_RECALL, **mine)
        if any(row["used_at"] < utc_now() - _REFRESHED_AFTER for row in rows):
            await self._statements.fetch_all(_REFRESH, **mine)
        return {row["digest"]: Embedding(array("f", row["vector"])) for row in rows}

    async def _remember(self, collection: str, made: dict[bytes, Embedding]) -> None:
        rows = [
            (digest, embedding.vector.tobytes())
            # In one order, so that two workers never wait for each other.
            for digest, embedding in sorted(made.items(), key=itemgetter(0))
            if embedding.vector and embedding.issue_code is None
        ]
        if rows and self._cache_days:
            given = _MADE.bind(rows)
            await self._statements.fetch_all(_REMEMBER, collection=collection, **given)


def list_forms(text: str) -> Iterator[tuple[str, str, str]]:
    """Simpler and shorter forms of a text that a model fails on, with what to say about each."""
    plain = " ".join(_ODD.sub(" ", unicodedata.normalize("NFKC", text)).split())
    if plain and plain != text:
        yield plain, SIMPLIFIED, "The model took this passage only without its unusual characters."
    for _ in range(_HALVINGS):
        plain = _halve(plain)
        if plain:
            yield plain, IN_PART, "The model took only the beginning of this passage."


def _halve(text: str) -> str:
    """The first half, up to the end of a sentence where there is one."""
    half = text[: len(text) // 2]
    ends = [match.end() for match in _SENTENCE_END.finditer(half)]
    return half[: ends[-1]].rstrip() if ends else half.rstrip()
