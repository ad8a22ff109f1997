"""What a user has, counted as it changes: no request counts documents.

Whoever adds or deletes documents of a user locks their row first. That orders those transactions,
so quotas hold under concurrent uploads and nobody waits in a circle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Uuid, bindparam, column, select, table, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.documents.exceptions import QuotaExceededError
from src.documents.models import Document, DocumentUsage
from src.statements import CompiledStatement, Statements


@dataclass(slots=True)
class Allowance:
    """What is left of a user's quotas; `take` lessens it."""

    documents: int | None
    size_bytes: int | None

    @property
    def is_limited(self) -> bool:
        return self.documents is not None or self.size_bytes is not None

    def check(self, size_bytes: int) -> QuotaExceededError | None:
        if self.documents is not None and self.documents < 1:
            return QuotaExceededError("You have as many documents as you may. Delete some first.")
        if self.size_bytes is not None and self.size_bytes < size_bytes:
            return QuotaExceededError("The file does not fit into what is left of your storage.")
        return None

    def refuse(self, size_bytes: int) -> QuotaExceededError:
        """Of a file that did not fit while it arrived, whatever would now."""
        return self.check(size_bytes) or QuotaExceededError()

    def take(self, size_bytes: int) -> QuotaExceededError | None:
        if (error := self.check(size_bytes)) is not None:
            return error
        if self.documents is not None:
            self.documents -= 1
        if self.size_bytes is not None:
            self.size_bytes -= size_bytes
        return None


_users = table("users", column("id", Uuid))
_language = bindparam("language", type_=ARRAY(TEXT))
_COUNTS = CompiledStatement(
    select(DocumentUsage.documents, DocumentUsage.size_bytes).where(
        DocumentUsage.user_id == bindparam("user_id")
    )
)
_SAME = CompiledStatement(
    select(Document.id).where(
        Document.user_id == bindparam("user_id"), Document.sha256 == bindparam("sha256")
    )
)
_LANGUAGES = CompiledStatement(
    select(DocumentUsage.languages).where(DocumentUsage.user_id == bindparam("user_id"))
)
_NOTE_LANGUAGE = CompiledStatement(
    update(DocumentUsage)
    .where(
        DocumentUsage.user_id == bindparam("user_id"), ~DocumentUsage.languages.contains(_language)
    )
    .values(languages=DocumentUsage.languages.op("||")(_language))
)


async def lock_usage(session: AsyncSession, user_id: UUID) -> DocumentUsage:
    """Return the row of a user, which nobody else changes until the transaction ends.

    The account is locked first, as its deletion does: locks taken in one order cannot deadlock.
    """
    account = select(_users.c.id).where(_users.c.id == user_id)
    await session.execute(account.with_for_update(read=True, key_share=True))
    await session.execute(insert(DocumentUsage).values(user_id=user_id).on_conflict_do_nothing())
    query = select(DocumentUsage).where(DocumentUsage.user_id == user_id).with_for_update()
    return (await session.scalars(query)).one()


async def read_usage(session: AsyncSession, user_id: UUID) -> DocumentUsage:
    found = await session.get(DocumentUsage, user_id)
    return found or DocumentUsage(user_id=user_id, documents=0, size_bytes=0, languages=[])


async def read_allowance(
    statements: Statements, user_id: UUID, settings: DocumentSettings
) -> Allowance:
    """What is left for now: only who has locked the usage knows for certain."""
    allowance = get_allowance(DocumentUsage(documents=0, size_bytes=0), settings)
    if allowance.is_limited:
        row = await statements.fetch_one(_COUNTS, user_id=user_id)
        allowance = get_allowance(DocumentUsage(**row), settings) if row else allowance
    return allowance


async def has_document(statements: Statements, user_id: UUID, sha256: str) -> bool:
    return await statements.fetch_one(_SAME, user_id=user_id, sha256=sha256) is not None


async def read_languages(statements: Statements, user_id: UUID) -> list[str]:
    """Return the languages that the user has had documents of."""
    row = await statements.fetch_one(_LANGUAGES, user_id=user_id)
    return row["languages"] if row else []


async def note_languages(statements: Statements, user_id: UUID, languages: Iterable[str]) -> None:
    """Remember that the user has documents in these languages; it is never forgotten."""
    for language in languages:
        await statements.fetch_all(_NOTE_LANGUAGE, user_id=user_id, language=[language])


def get_allowance(usage: DocumentUsage, settings: DocumentSettings) -> Allowance:
    documents, size_bytes = settings.max_documents_per_user, settings.max_bytes_per_user
    return Allowance(
        None if documents is None else documents - usage.documents,
        None if size_bytes is None else size_bytes - usage.size_bytes,
    )
