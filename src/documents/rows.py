"""The rows of documents and passages while they are worked on.

What is one statement is a transaction of its own; nothing here waits for anything but PostgreSQL.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import case, delete, exists, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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
_SKIPPED: Final = "passages can be found by their words alone; the list of passages says why."


class DocumentRows:
    """`statements` are sessions whose every statement is a transaction of its own.

    What is done for every document goes by the tables: half of the work of a small document would
    be that of the mapper.
    """

    def __init__(self, sessions: Sessions, statements: Sessions) -> None:
        self._sessions = sessions
        self._statements = statements

    async def load(self, document_id: UUID) -> Document | None:
        async with self._statements() as session:
            return await session.get(Document, document_id)

    async def start(self, document_id: UUID) -> Document | None:
        """Return a document with work to do, and say on its row that it is being done.

        One that is ready stays so while it is indexed anew: it can be searched as it was before.
        What an earlier attempt to read the file has left is thrown away.
        """
        unread = select(_documents.c.id).where(
            _documents.c.id == document_id, _documents.c.chunks_total.is_(None)
        )
        leftovers = delete(_chunks).where(_chunks.c.document_id.in_(unread)).cte()
        async with self._statements() as session:
            return await session.scalar(
                update(Document)
                .add_cte(leftovers)
                .where(Document.id == document_id, _HAS_WORK)
                .values(_STARTED)
                .returning(Document)
                .execution_options(synchronize_session=False)
            )

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
            values |= {
                "page_count": reading.page_count,
                "language": reading.language,
                "chunks_total": reading.chunk_count,
                "chunks_done": 0,
                "chunks_skipped": 0,
                "next_collection": None,
            }
        async with self._sessions.begin() as session:
            await _write(session, document, values)  # Raises when it is gone.
            await session.execute(insert(_chunks), _make_rows(document.id, chunks))
            if is_last and reading.language:
                await note_language(session, document.user_id, reading.language)

    async def write_progress(
        self, document: Document, end: int, embedded: Sequence[tuple[Chunk, Embedding]]
    ) -> None:
        """Note how far the index has it, and which passages are special to the model."""
        changed = [(c, made) for c, made in embedded if c.issue_code != made.issue_code]
        async with self._sessions.begin() if changed else self._statements() as session:
            await _write(session, document, {"chunks_done": end})
            for chunk, made in changed:
                await session.execute(
                    update(_chunks)
                    .where(_chunks.c.id == chunk.id)
                    .values(issue_code=made.issue_code, issue_detail=made.issue_detail)
                )

    async def mark_ready(self, document: Document, collection: str) -> bool:
        """Whether it is: not when the owner has changed what was indexed in the meantime."""
        row = _documents.c
        is_as_indexed = (row.title == document.title) & (row.tags == document.tags)
        async with self._statements() as session:
            done = await session.scalar(
                update(_documents)
                .where(row.id == document.id, is_as_indexed)
                .values(_describe_end(document, collection))
                .returning(row.id)
            )
        return done is not None

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


def _describe_end(document: Document, collection: str) -> dict[str, object]:
    skipped = (
        select(func.count())
        .where(
            Chunk.document_id == document.id,
            Chunk.issue_code.is_not(None),
            Chunk.issue_code.not_in([IN_PART, SIMPLIFIED]),
        )
        .scalar_subquery()
    )
    return {
        "status": "ready",
        "step": None,
        "collection": collection,
        "next_collection": None,
        "chunks_done": document.chunks_total,
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
    for name, value in values.items():
        setattr(document, name, value)


def _make_rows(document_id: UUID, chunks: Sequence[ExtractedChunk]) -> list[dict[str, object]]:
    return [
        {"id": new_id(), "document_id": document_id, **dataclasses.asdict(chunk)}
        for chunk in chunks
    ]
