"""Vectors of passages: remembered where known, and asked for so that one bad text harms no other.

A model server may fail on a single text, for ever. The failing batch is cut in half until that
text is alone; then simpler and shorter forms of it are tried. Whether the text or the server is to
blame, a harmless text decides.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Final

import numpy as np
import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from src.database import Sessions, utc_now
from src.documents.models import CachedEmbedding
from src.exceptions import AppError
from src.llm.exceptions import (
    ContextLengthExceededError,
    LLMFailedError,
    LLMInvalidResponseError,
)
from src.llm.service import LLMService

log = structlog.get_logger(__name__)

_MAY_BLAME_TEXT: Final = (ContextLengthExceededError, LLMFailedError, LLMInvalidResponseError)
_HARMLESS: Final = "The weather is fine today."
_HALVINGS: Final = 3
_ODD: Final = re.compile(r"[^\w\s.,;:!?'\"()%/+-]+")
_SENTENCE_END: Final = re.compile(r"[.!?]\s")
_REFRESHED_AFTER: Final = timedelta(days=1)
IN_PART: Final = "embedded_in_part"
SIMPLIFIED: Final = "embedded_simplified"


@dataclass(frozen=True, slots=True)
class Embedding:
    """A vector, empty when the model has none for the text; `issue_*` say what it took."""

    vector: Sequence[float]
    issue_code: str | None = None
    issue_detail: str | None = None


class PassageEmbedder:
    """`statements` are sessions whose every statement is a transaction of its own."""

    def __init__(self, statements: Sessions, llm: LLMService, *, cache_days: int) -> None:
        self._statements = statements
        self._llm = llm
        self._cache_days = cache_days

    async def embed(self, collection: str, texts: Sequence[str]) -> list[Embedding]:
        """Return one for each text, in order. Raises when the model server is to blame."""
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        known = await self._recall(collection, digests)
        missing = {d: t for d, t in zip(digests, texts, strict=True) if d not in known}
        made = dict(zip(missing, await self._embed_all([*missing.values()]), strict=True))
        await self._remember(collection, made)
        return [(known | made)[digest] for digest in digests]

    async def forget_unused(self) -> None:
        """Delete what no document has asked for in a long time."""
        limit = utc_now() - timedelta(days=self._cache_days)
        async with self._statements() as session:
            await session.execute(delete(CachedEmbedding).where(CachedEmbedding.used_at < limit))

    async def _embed_all(self, texts: Sequence[str]) -> list[Embedding]:
        if not texts:
            return []
        try:
            return [Embedding(vector) for vector in await self._llm.embed_documents(texts)]
        except _MAY_BLAME_TEXT as error:
            if len(texts) == 1:
                return [await self._embed_alone(texts[0], error)]
        middle = len(texts) // 2
        return await self._embed_all(texts[:middle]) + await self._embed_all(texts[middle:])

    async def _embed_alone(self, text: str, error: AppError) -> Embedding:
        await self._llm.embed_documents([_HARMLESS])  # Raises when the text is not to blame.
        for form, code, detail in list_forms(text):
            try:
                (vector,) = await self._llm.embed_documents([form])
            except _MAY_BLAME_TEXT:
                continue
            return Embedding(vector, code, detail)
        log.warning("passage without a vector", code=error.code)
        return Embedding((), error.code, f"The model cannot embed this passage: {error.detail}")

    async def _recall(self, collection: str, digests: Sequence[bytes]) -> dict[bytes, Embedding]:
        if not self._cache_days:
            return {}
        mine = CachedEmbedding.collection == collection, CachedEmbedding.digest.in_(digests)
        columns = CachedEmbedding.digest, CachedEmbedding.vector, CachedEmbedding.used_at
        async with self._statements() as session:
            rows = (await session.execute(select(*columns).where(*mine))).all()
            if any(row.used_at < utc_now() - _REFRESHED_AFTER for row in rows):
                await session.execute(
                    update(CachedEmbedding)
                    .where(*mine)
                    .values(used_at=func.now())
                    .execution_options(synchronize_session=False)
                )
        return {row.digest: Embedding(_unpack(row.vector)) for row in rows}

    async def _remember(self, collection: str, made: dict[bytes, Embedding]) -> None:
        rows = [
            {"collection": collection, "digest": digest, "vector": _pack(embedding.vector)}
            # In one order, so that two workers never wait for each other.
            for digest, embedding in sorted(made.items(), key=itemgetter(0))
            if embedding.vector and embedding.issue_code is None
        ]
        if rows and self._cache_days:
            async with self._statements() as session:
                await session.execute(insert(CachedEmbedding).on_conflict_do_nothing(), rows)


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


def _pack(vector: Sequence[float]) -> bytes:
    return np.asarray(vector, dtype="<f4").tobytes()


def _unpack(vector: bytes) -> list[float]:
    values: list[float] = np.frombuffer(vector, dtype="<f4").tolist()
    return values
