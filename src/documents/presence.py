"""Tells which documents still exist, for whoever keeps copies of their passages."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.documents.models import Document


async def find_present(session: AsyncSession, document_ids: Collection[UUID]) -> set[UUID]:
    if not document_ids:
        return set()
    return set(await session.scalars(select(Document.id).where(Document.id.in_(document_ids))))
