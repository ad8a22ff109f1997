"""The rows of documents and passages while they are worked on.

What is done for every document is one compiled statement, and so a transaction of its own; what
several documents need at the same time is one for all of them. Nothing here waits for anything but
PostgreSQL. A job writes as long as its attempt is the latest: queues deliver more than once, users
change their minds, and two that write one document would leave holes in it.
"""

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import Update, case, exists, select, update

from src.combining import Combiner
from src.database import Sessions, new_id
from src.documents import row_statements as sql
from src.documents.embedding import Embedding
from src.documents.exceptions import DocumentLostError
from src.documents.models import Chunk, Document
from src.documents.queue import JobQueue
from src.documents.reading.chunking import ExtractedChunk
from src.documents.reading.reader import Reading
from src.documents.usage import note_languages
from src.documents.work import DocumentState, Passage, ShortDocument
from src.exceptions import AppError
from src.statements import Statements

log = structlog.get_logger(__name__)

_MOST_TOGETHER: Final = 32
_read_chunk: Final = attrgetter(*sql.EXTRACTED)


class DocumentRows:
    """`sessions` are for what is rare or more than one statement."""

    def __init__(self, sessions: Sessions, statements: Statements) -> None:
        self._sessions = sessions
        self._statements = statements
        self._starts = Combiner(self._start, most=_MOST_TOGETHER)

    async def load(self, document_id: UUID) -> DocumentState | None:
        row = await self._statements.fetch_one(sql.LOAD, id=document_id)
        return DocumentState(**row) if row else None

    async def list_gone(self, chunk_ids: Sequence[UUID]) -> list[UUID]:
        """Those of the passages that have no row."""
        rows = await self._statements.fetch_all(sql.LIST_THERE, ids=chunk_ids)
        there = {row["id"] for row in rows}
        return [chunk_id for chunk_id in chunk_ids if chunk_id not in there]

    async def start(self, document_id: UUID) -> DocumentState | None:
        """Return a document with work to do, and take it over from whoever works on it.

        One that is ready stays so while it is indexed anew: it can be searched as it was before.
        What an earlier attempt to read the file has left is thrown away.
        """
        return await self._starts.do(None, document_id)

    async def load_passages(self, document: DocumentState, start: int, limit: int) -> list[Passage]:
        rows = await self._statements.fetch_all(
            sql.LOAD_PASSAGES, document_id=document.id, start=start, limit=limit
        )
        return [Passage(**row) for row in rows]

    async def update(self, document: DocumentState, **values: object) -> None:
        """Change the row and our copy of it. Raises `DocumentLostError`."""
        new = {f"new_{name}": value for name, value in values.items()}
        statement = sql.update_document(*values)
        if not await self._statements.fetch_all(statement, **_as_ours(document), **new):
            raise DocumentLostError
        for name, value in values.items():
            setattr(document, name, value)

    async def write_chunks(
        self, document: DocumentState, chunks: Sequence[ExtractedChunk], reading: Reading
    ) -> None:
        """Write a batch of passages, and with the last one what there is to say of all of them.

        Until the last is there, their number stays unknown.
        """
        given = _bind_chunks([(new_id(), document.id, chunk) for chunk in chunks])
        if chunks[-1].ordinal + 1 < reading.chunk_count:
            ours = _as_ours(document)
            if not await self._statements.fetch_all(sql.WRITE_SOME, **ours, **given):
                raise DocumentLostError
        elif not await self._write_all([(document, reading)], given, "extracting", None):
            raise DocumentLostError

    async def write_short(self, shorts: Sequence[ShortDocument], collection: str) -> None:
        """Write all passages of several documents, and note it on our copies of their rows.

        A copy stays as it was when its row is not ours any more, or in company, locked.
        """
        given = _bind_chunks(
            [
                (passage.id, short.document.id, chunk)
                for short in shorts
                for passage, chunk in zip(short.passages, short.chunks, strict=True)
            ]
        )
        read = [(short.document, short.reading) for short in shorts]
        await self._write_all(read, given, "embedding", collection)

    async def write_progress(
        self, document: DocumentState, end: int, embedded: Sequence[tuple[Passage, Embedding]]
    ) -> None:
        """Note how far the index has it, and which passages are special to the model."""
        for passage, made in embedded:
            if passage.issue_code != made.issue_code:
                await self._note_issue(passage, made)
        await self.update(document, chunks_done=end)

    async def mark_ready(self, documents: Sequence[DocumentState], collection: str) -> set[UUID]:
        """Return which are: not those whose owner has changed what was indexed in the meantime."""
        rows = [(d.id, d.attempt, d.title, json.dumps(d.tags)) for d in documents]
        ready = await self._statements.fetch_all(
            sql.MARK_READY[len(rows) > 1],
            **sql.INDEXED.bind(rows),
            new_collection=collection,
        )
        return {row["id"] for row in ready}

    async def note(
        self, document: DocumentState, status: Literal["pending", "failed"], reason: AppError
    ) -> None:
        """Say on the row why a document failed, or what it waits for.

        One that is ready stays so while it waits: it can be searched as it was before.
        """
        log.warning("document set back", document_id=document.id, to=status, code=reason.code)
        kept = case((Document.status == "ready", "ready"), else_="pending")
        values = {"status_code": reason.code, "status_detail": reason.detail, "step": None}
        async with self._sessions.begin() as session:
            await session.execute(
                _update(document).values(status=kept if status == "pending" else status, **values)
            )

    async def count_failure(self, document: DocumentState) -> int:
        """Count what nobody foresaw, apart from waiting; return how often it was by now."""
        counted = _update(document).values(failures=Document.failures + 1)
        async with self._sessions.begin() as session:
            return await session.scalar(counted.returning(Document.failures)) or 0

    async def step_back(self, document: DocumentState, place: int) -> bool:
        """Whether the rest was put at the end of the line, because others wait.

        `place` is that of the present job, which no later one goes before.
        """
        others = exists().where(Document.status == "pending", Document.user_id != document.user_id)
        async with self._sessions.begin() as session:
            if not await session.scalar(select(others)):
                return False
            await JobQueue(session).enqueue_again(document.id, document.user_id, place=place)
        return True

    async def _start(self, _: None, ids: Sequence[UUID]) -> list[DocumentState | None]:
        given = sql.BEGUN.bind([(document_id,) for document_id in ids])
        rows = await self._statements.fetch_all(sql.START[len(ids) > 1], **given)
        started = {row["id"]: DocumentState(**row) for row in rows}
        # Asked for twice, it is taken over by the second, which is tried alone.
        return [started.pop(document_id, None) for document_id in ids]

    async def _write_all(
        self,
        read: Sequence[tuple[DocumentState, Reading]],
        chunks: dict[str, list[object]],
        step: str,
        collection: str | None,
    ) -> bool:
        """Whether any is there; note it on our copies of those that are."""
        await self._note_languages(read)
        rows = [(d.id, d.attempt, r.chunk_count, r.page_count, r.language) for d, r in read]
        found = await self._statements.fetch_all(
            sql.WRITE_ALL[len(rows) > 1],
            **sql.READ.bind(rows),
            **chunks,
            new_step=step,
            new_next_collection=collection,
        )
        ids = {row["id"] for row in found}
        for document, reading in read:
            if document.id in ids:
                document.chunks_total, document.chunks_done = reading.chunk_count, 0
                document.language, document.step = reading.language, step
                document.next_collection = collection
        return bool(ids)

    async def _note_languages(self, read: Sequence[tuple[DocumentState, Reading]]) -> None:
        """Apart from the documents, of one user: who deletes them locks what their owner has."""
        languages = {reading.language for _, reading in read if reading.language}
        await note_languages(self._statements, read[0][0].user_id, languages)

    async def _note_issue(self, passage: Passage, made: Embedding) -> None:
        issue = {"issue_code": made.issue_code, "issue_detail": made.issue_detail}
        async with self._sessions.begin() as session:
            await session.execute(update(Chunk).where(Chunk.id == passage.id).values(issue))


def _as_ours(document: DocumentState) -> dict[str, object]:
    return {"id": document.id, "attempt": document.attempt}


def _update(document: DocumentState) -> Update:
    return update(Document).where(Document.id == document.id, Document.attempt == document.attempt)


def _bind_chunks(
    chunks: Sequence[tuple[UUID, UUID, ExtractedChunk]],
) -> dict[str, list[object]]:
    """By their ids, and those of their documents."""
    return sql.CHUNKS.bind([(*ids, *_read_chunk(chunk)) for *ids, chunk in chunks])
