"""The statements of `rows`, compiled once: for one document, or one statement for several.

A statement for several leaves out rows that somebody else has locked: whoever waits for one row
holds no other, so that nobody waits in a circle.
"""

from dataclasses import fields
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from src.database import Base
from src.documents.embedding import IN_PART, SIMPLIFIED
from src.documents.models import HAS_WORK
from src.documents.reading.chunking import ExtractedChunk
from src.documents.work import DocumentState, Passage
from src.statements import CompiledStatement, TableParameter

_PASSAGES_SKIPPED: Final = "passages_skipped"
_SKIPPED: Final = "passages can be found by their words alone; the list of passages says why."
_documents: Final = Base.metadata.tables["documents"]
_chunks: Final = Base.metadata.tables["chunks"]
_row: Final = _documents.c
_IS_IT: Final = _row.id == bindparam("id")
_IS_OURS: Final = _IS_IT & (_row.attempt == bindparam("attempt"))
_STATE: Final = [_row[field.name] for field in fields(DocumentState)]
_STARTED: Final = {
    "attempt": _row.attempt + 1,
    "status": case((_row.status == "ready", "ready"), else_="processing"),
    "step": case((_row.chunks_total.is_(None), "extracting"), else_="embedding"),
    "status_code": case((_row.status == "ready", _row.status_code)),
    "status_detail": case((_row.status == "ready", _row.status_detail)),
}


def _new(name: str) -> BindParameter[Any]:
    return bindparam(f"new_{name}", type_=_row[name].type)


def _make_table(source: Table, *names: str, **others: TypeEngine[Any]) -> TableParameter:
    return TableParameter(source.name, {name: source.c[name].type for name in names} | others)


# What is known of documents when they begin, when they were read, and when they were indexed.
BEGUN: Final = _make_table(_documents, "id")
READ: Final = _make_table(_documents, "id", "attempt", "chunks_total", "page_count", "language")
INDEXED: Final = _make_table(_documents, "id", "attempt", "title", tags=Text())
EXTRACTED: Final = tuple(field.name for field in fields(ExtractedChunk))
CHUNKS: Final = _make_table(_chunks, "id", "document_id", *EXTRACTED)


def _are_free(given: TableValuedAlias, *, together: bool) -> ColumnElement[bool]:
    locked = (
        select(_row.id)
        .where(_row.id.in_(select(given.c.id)))
        .with_for_update(skip_locked=together, key_share=True)
    )
    return (_row.id == given.c.id) & _row.id.in_(locked)


def _start(*, together: bool) -> UpdateBase:
    given = BEGUN.table
    unread = select(_row.id).where(_row.id == given.c.id, _row.chunks_total.is_(None))
    leftovers = delete(_chunks).where(_chunks.c.document_id.in_(unread)).cte("leftovers")
    return (
        update(_documents)
        .add_cte(leftovers)
        .where(_are_free(given, together=together), HAS_WORK)
        .values(_STARTED)
        .returning(*_STATE)
    )


def _write_some() -> Select[UUID]:
    kept = select(_row.id).where(_IS_OURS).with_for_update(read=True).cte("kept")
    return select(kept.c.id).add_cte(_insert_chunks(kept))


def _write_all(*, together: bool) -> Select[UUID]:
    given = READ.table
    read = {column.name: column for column in given.c if column.name not in ("id", "attempt")}
    unindexed = {"chunks_done": 0, "chunks_skipped": 0}
    changed = (
        update(_documents)
        .where(_are_free(given, together=together), _row.attempt == given.c.attempt)
        .values(read | unindexed | {name: _new(name) for name in ("step", "next_collection")})
        .returning(_row.id)
        .cte("changed")
    )
    return select(changed.c.id).add_cte(_insert_chunks(changed))


def _insert_chunks(owners: FromClause) -> CTE:
    given = CHUNKS.table
    rows = select(given).join(owners, owners.c.id == given.c.document_id)
    return insert(_chunks).from_select(given.c.keys(), rows).cte("written")


def _mark_ready(*, together: bool) -> UpdateBase:
    given = INDEXED.table
    skipped = (
        select(func.count())
        .where(
            _chunks.c.document_id == _row.id,
            _chunks.c.issue_code != IN_PART,
            _chunks.c.issue_code != SIMPLIFIED,
        )
        .scalar_subquery()
    )
    return (
        update(_documents)
        .where(
            _are_free(given, together=together),
            _row.attempt == given.c.attempt,
            _row.title == given.c.title,
            func.to_jsonb(_row.tags) == cast(given.c.tags, JSONB),
        )
        .values(
            status="ready",
            step=None,
            collection=_new("collection"),
            next_collection=None,
            chunks_done=_row.chunks_total,
            chunks_skipped=skipped,
            failures=0,
            status_code=case((skipped > 0, _PASSAGES_SKIPPED)),
            status_detail=case((skipped > 0, func.concat(skipped, literal(f" {_SKIPPED}")))),
        )
        .returning(_row.id)
    )


@cache
def update_document(*names: str) -> CompiledStatement:
    """The statement that gives these columns of one row the values `new_` and their names."""
    return CompiledStatement(
        update(_documents)
        .where(_IS_OURS)
        .values({name: _new(name) for name in names})
        .returning(_row.id)
    )


# Each for one document alone, and for several together.
START: Final = [CompiledStatement(_start(together=together)) for together in (False, True)]
WRITE_ALL: Final = [CompiledStatement(_write_all(together=together)) for together in (False, True)]
MARK_READY: Final = [
    CompiledStatement(_mark_ready(together=together)) for together in (False, True)
]
# The passages of a document of which there are more to come.
WRITE_SOME: Final = CompiledStatement(_write_some())
LOAD: Final = CompiledStatement(select(*_STATE).where(_IS_IT))
LIST_THERE: Final = CompiledStatement(
    select(_chunks.c.id).where(_chunks.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
)
LOAD_PASSAGES: Final = CompiledStatement(
    select(*(_chunks.c[field.name] for field in fields(Passage)))
    .where(
        _chunks.c.document_id == bindparam("document_id"),
        _chunks.c.ordinal >= bindparam("start"),
    )
    .order_by(_chunks.c.ordinal)
    .limit(bindparam("limit"))
)
