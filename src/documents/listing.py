"""Which documents a list shows, in what order, and where its pages are cut."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, false, func, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from src.documents.models import Document
from src.documents.schemas import DocumentSort, DocumentStatus
from src.schemas import InvalidCursorError

_WORD: Final = re.compile(r"[^\W_]+")
_COLUMNS: Final[Mapping[str, InstrumentedAttribute[Any]]] = {
    "created_at": Document.created_at,
    "updated_at": Document.updated_at,
    "title": Document.title_key,
    "size_bytes": Document.size_bytes,
}


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """All of the conditions hold: words of the name, any of the tags, the status."""

    words: str | None = None
    tags: Sequence[str] | None = None
    status: DocumentStatus | None = None

    def narrow(self, query: Select[Document]) -> Select[Document]:
        if self.status is not None:
            query = query.where(Document.status == self.status)
        if self.tags:
            query = query.where(Document.tags.overlap([*self.tags]))
        if self.words is not None:
            query = _match_words(query, _WORD.findall(self.words))
        return query


def sort_documents(
    query: Select[Document], sort: DocumentSort, cursor: str | None
) -> Select[Document]:
    """Order by one column, and by id where that is equal, from the position on that `cursor` is."""
    column = _COLUMNS[sort.removeprefix("-")]
    position = None if cursor is None else _decode(cursor, sort)
    row = tuple_(column, Document.id)
    if sort.startswith("-"):
        query = query.order_by(column.desc(), Document.id.desc())
        return query if position is None else query.where(row < position)
    query = query.order_by(column, Document.id)
    return query if position is None else query.where(row > position)


def encode_position(document: Document, sort: DocumentSort) -> str:
    value = getattr(document, _COLUMNS[sort.removeprefix("-")].key)
    text = value.isoformat() if isinstance(value, datetime) else value
    position = json.dumps([sort, text, document.id.hex], ensure_ascii=False)
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _match_words(query: Select[Document], words: Sequence[str]) -> Select[Document]:
    """Each word begins a word of the title or the file name."""
    if not words:
        return query.where(false())
    prefixes = " & ".join(f"{word}:*" for word in words)
    return query.where(Document.name_words.op("@@")(func.to_tsquery("simple", prefixes)))


def _decode(cursor: str, sort: DocumentSort) -> tuple[object, UUID]:
    try:
        made_for, value, row_id = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        )
        position = _read_value(sort, value), UUID(row_id)
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidCursorError from exc
    if made_for != sort:
        raise InvalidCursorError("The cursor belongs to a list in another order.")
    return position


def _read_value(sort: DocumentSort, value: object) -> object:
    if sort.endswith("_at"):
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise InvalidCursorError
        return moment
    expected = int if sort.endswith("size_bytes") else str
    if type(value) is not expected or (isinstance(value, int) and not 0 <= value < 2**63):
        raise InvalidCursorError
    if isinstance(value, str) and "\0" in value:
        raise InvalidCursorError
    return value
