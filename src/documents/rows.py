"""The rows of documents and passages while they are worked on.

What is one statement is a transaction of its own, and what several documents need at the same time
is one for all of them; nothing here waits for anything but PostgreSQL.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import (
    ColumnElement,
    TableValuedAlias,
    Text,
    case,
    cast,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from src.combining import Combiner
from src.database import Base, Sessions, new_id
from src.documents.embedding import IN_PART, SIMPLIFIED, Embedding
from src.documents.exceptions import DocumentVanishedError
from src.documents.extraction import ExtractedChunk
from src.documents.models import Chunk, Document
from src.documents.queue import IngestJob, JobQueue
from src.documents.reader import Reading
from src.documents.usage import note_language
from src.exceptions import AppError

log = structlog.get_logger(__name__)

PASSAGES_SKIPPED: Final = "passages_skipped"
_MOST_TOGETHER: Final = 32
_documents: Final = Base.metadata.tables["documents"]
_chunks: Final = Base.metadata.tables["chunks"]

_HAS_WORK: Final = Document.status.in_(["pending", "processing"]) | (
    (Document.status == "ready") & Document.next_collection.is_not(None)
)
_STARTED: Final = {
    "status": case((Document.status == "ready", "ready"), else_="processing"),
    "step": case((Document.chunks_total.is_(None), "extracting"), else_="embedding"),
    "status_code": case((Document.status == "ready", Document.status_code)),
    "status_detail": case((Document.status == "ready", Document.status_detail)),
}
_NOT_INDEXED: Final = {"chunks_done": 0, "chunks_skipped": 0, "next_collection": None}
_SKIPPED: Final = "passages can be found by their words alone; the list of passages says why."


class ShortDocument:
    """A document all of whose passages came in one batch, as they will be written."""

    def __init__(
        self, document: Document, reading: Reading, chunks: Sequence[ExtractedChunk]
    ) -> None:
        self.document = document
        self.reading = reading
        self.rows = _make_rows(document.id, chunks)
        self.chunks = [Chunk(**row) for row in self.rows]


class DocumentRows:
    """`statements` are sessions whose every statement is a transaction of its own.

    What is done for every document goes by the tables: half of the work of a small document would
    be that of the mapper. A statement for several leaves out rows that somebody else has locked:
    whoever waits for one row holds no other, so that nobody waits in a circle.
    """

    def __init__(self, sessions: Sessions, statements: Sessions) -> None:
        self._sessions = sessions
        self._statements = statements
        self._starts = Combiner(self._start, most=_MOST_TOGETHER)

    async def load(self, document_id: UUID) -> Document | None:
        async with self._statements() as session:
            return await session.get(Document, document_id)

    async def start(self, document_id: UUID) -> Document | None:
        """Return a document with work to do, and say on its row that it is being done.

        One that is ready stays so while it is indexed anew: it can be searched as it was before.
        What an earlier attempt to read the file has left is thrown away.
        """
        return await self._starts.do(None, document_id)

    async def load_chunks(self, document: Document, start: int, limit: int) -> Sequence[Chunk]:
        async with self._statements() as session:
            rows = await session.scalars(
                select(Chunk)
                .where(Chunk.document_id == document.id, Chunk.ordinal >= start)
                .order_by(Chunk.ordinal)
                .limit(limit)
            )
            return rows.all()

    async def update(self, document: Document, **values: object) -> None:
        """Change the row and our copy of it. Raises `DocumentVanishedError`."""
        async with self._statements() as session:
            await _write(session, document, values)

    async def write_chunks(
        self, document: Document, chunks: Sequence[ExtractedChunk], reading: Reading
    ) -> None:
        """Write a batch of passages, and with the last one what there is to say of all of them.

        Until the last is there, their number stays unknown.
        """
        is_last = chunks[-1].ordinal + 1 == reading.chunk_count
        values: dict[str, object] = {"step": "extracting"}
        if is_last:
            values |= _describe_reading(reading) | _NOT_INDEXED
            await self._note_language(document, reading)
        async with self._sessions.begin() as session:
            await _write(session, document, values)  # Raises when it is gone.
            await session.execute(insert(_chunks), _make_rows(document.id, chunks))

    async def write_short(self, shorts: Sequence[ShortDocument], collection: str) -> None:
        """Write all passages of several documents, and note it on our copies of their rows.

        A copy stays as it was when its row is gone, or in company, locked.
        """
        for short in shorts:
            await self._note_language(short.document, short.reading)
        given = _give([{"id": s.document.id, **_describe_reading(s.reading)} for s in shorts])
        values = _NOT_INDEXED | {"step": "embedding", "next_collection": collection}
        read = {name: given.c[name] for name in ("chunks_total", "page_count", "language")}
        async with self._sessions.begin() as session:
            found = await session.scalars(
                update(_documents)
                .where(_are_free(given, len(shorts)))
                .values(read | values)
                .returning(_documents.c.id)
            )
            ids = {*found}
            written = [short for short in shorts if short.document.id in ids]
            if rows := [row for short in written for row in short.rows]:
                await session.execute(insert(_chunks), rows)
        for short in written:
            _copy(_describe_reading(short.reading) | values, short.document)

    async def write_progress(
        self, document: Document, end: int, embedded: Sequence[tuple[Chunk, Embedding]]
    ) -> None:
        """Note how far the index has it, and which passages are special to the model."""
        for chunk, made in embedded:
            if chunk.issue_code != made.issue_code:
                await self._note_issue(chunk, made)
        await self.update(document, chunks_done=end)

    async def mark_ready(self, documents: Sequence[Document], collection: str) -> set[UUID]:
        """Return which are: not those whose owner has changed what was indexed in the meantime."""
        rows = [{"id": d.id, "title": d.title, "tags": json.dumps(d.tags)} for d in documents]
        given, row = _give(rows, tags=Text()), _documents.c
        is_as_indexed = (
            row.title == given.c.title,
            func.to_jsonb(row.tags) == cast(given.c.tags, JSONB),
        )
        async with self._statements() as session:
            ready = await session.scalars(
                update(_documents)
                .where(_are_free(given, len(rows)), *is_as_indexed)
                .values(_describe_end(collection))
                .returning(row.id)
            )
            return {*ready}

    async def note(
        self, job: IngestJob, status: Literal["pending", "failed"], reason: AppError
    ) -> None:
        """Say on the row why a document failed, or what it waits for.

        One that is ready stays so while it waits: it can be searched as it was before.
        """
        log.warning("document set back", document_id=job.document_id, to=status, code=reason.code)
        kept = case((Document.status == "ready", "ready"), else_="pending")
        values = {"status_code": reason.code, "status_detail": reason.detail, "step": None}
        async with self._statements() as session:
            await session.execute(
                update(Document)
                .where(Document.id == job.document_id)
                .values(status=kept if status == "pending" else status, **values)
            )

    async def count_failure(self, job: IngestJob) -> int:
        """Count what nobody foresaw, apart from waiting; return how often it was by now."""
        async with self._statements() as session:
            failures = await session.scalar(
                update(Document)
                .where(Document.id == job.document_id)
                .values(failures=Document.failures + 1)
                .returning(Document.failures)
            )
        return failures or 0

    async def step_back(self, document: Document) -> bool:
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

    async def _start(self, _: None, ids: Sequence[UUID]) -> list[Document | None]:
        given = _give([{"id": document_id} for document_id in ids])
        unread = select(_documents.c.id).where(
            _documents.c.id == given.c.id, _documents.c.chunks_total.is_(None)
        )
        leftovers = delete(_chunks).where(_chunks.c.document_id.in_(unread)).cte()
        async with self._statements() as session:
            started = await session.scalars(
                update(Document)
                .add_cte(leftovers)
                .where(_are_free(given, len(ids)), _HAS_WORK)
                .values(_STARTED)
                .returning(Document)
                .execution_options(synchronize_session=False)
            )
            found = {document.id: document for document in started}
        return [found.get(document_id) for document_id in ids]

    async def _note_language(self, document: Document, reading: Reading) -> None:
        """Apart from the document: who deletes it locks what its owner has first."""
        if reading.language:
            async with self._statements() as session:
                await note_language(session, document.user_id, reading.language)

    async def _note_issue(self, chunk: Chunk, made: Embedding) -> None:
        issue = {"issue_code": made.issue_code, "issue_detail": made.issue_detail}
        async with self._statements() as session:
            await session.execute(update(_chunks).where(_chunks.c.id == chunk.id).values(issue))


def _describe_reading(reading: Reading) -> dict[str, object]:
    return {
        "chunks_total": reading.chunk_count,
        "page_count": reading.page_count,
        "language": reading.language,
    }


def _describe_end(collection: str) -> dict[str, object]:
    skipped = (
        select(func.count())
        .where(
            _chunks.c.document_id == _documents.c.id,
            _chunks.c.issue_code.is_not(None),
            _chunks.c.issue_code.not_in([IN_PART, SIMPLIFIED]),
        )
        .scalar_subquery()
    )
    return {
        "status": "ready",
        "step": None,
        "collection": collection,
        "next_collection": None,
        "chunks_done": _documents.c.chunks_total,
        "chunks_skipped": skipped,
        "failures": 0,
        "status_code": case((skipped > 0, PASSAGES_SKIPPED)),
        "status_detail": case((skipped > 0, func.concat(skipped, literal(f" {_SKIPPED}")))),
    }


async def _write(session: AsyncSession, document: Document, values: Mapping[str, object]) -> None:
    """The row may be gone, because users delete at any time."""
    found = await session.scalar(
        update(_documents)
        .where(_documents.c.id == document.id)
        .values(values)
        .returning(_documents.c.id)
    )
    if found is None:
        raise DocumentVanishedError
    _copy(values, document)


def _copy(values: Mapping[str, object], document: Document) -> None:
    for name, value in values.items():
        setattr(document, name, value)


def _give(rows: Sequence[Mapping[str, object]], **others: TypeEngine[Any]) -> TableValuedAlias:
    """A table of parameters: one array for each column, so that the statement stays the same."""
    types = {name: _documents.c[name].type for name in rows[0]} | others
    arrays = [literal([row[name] for row in rows], ARRAY(type_)) for name, type_ in types.items()]
    columns = [column(name, type_) for name, type_ in types.items()]
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _are_free(given: TableValuedAlias, count: int) -> ColumnElement[bool]:
    """Rows that are given, locked; of several, those that nobody else has locked."""
    locked = (
        select(_documents.c.id)
        .where(_documents.c.id.in_(select(given.c.id)))
        .with_for_update(skip_locked=count > 1, key_share=True)
    )
    return (_documents.c.id == given.c.id) & _documents.c.id.in_(locked)


def _make_rows(document_id: UUID, chunks: Sequence[ExtractedChunk]) -> list[dict[str, Any]]:
    return [
        {"id": new_id(), "document_id": document_id, **dataclasses.asdict(chunk)}
        for chunk in chunks
    ]
