"""Following documents while they are processed, from any process: the row says how far they are.

However many follow, a process asks the database once per interval, and holds no connection.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from uuid import UUID

import structlog
from sqlalchemy import select

from src.database import Sessions
from src.documents.models import Document
from src.documents.schemas import (
    DocumentDeleted,
    DocumentEvent,
    DocumentFailed,
    DocumentProgress,
    DocumentRead,
    DocumentReady,
)

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 0.3


class ProgressWatcher:
    """Looks while anybody follows. `close` ends the looking; the followers end with their tasks."""

    def __init__(self, sessions: Sessions, *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._sessions = sessions
        self._interval_seconds = interval_seconds
        self._followed: Counter[UUID] = Counter()
        self._seen: dict[UUID, DocumentRead] = {}
        self._round: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def follow(self, document_id: UUID) -> AsyncGenerator[DocumentEvent]:
        """Yield where the document is, then each change, up to its end or its deletion."""
        self._followed[document_id] += 1
        last: DocumentRead | None = None
        try:
            while True:
                await self._wait_for_round()
                document = self._seen.get(document_id)
                if document is None:
                    yield DocumentDeleted(document_id=document_id)
                    return
                if document != last:
                    last = document
                    yield (event := _describe(document))
                    if not isinstance(event, DocumentProgress):
                        return
        finally:
            self._forget(document_id)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _wait_for_round(self) -> None:
        """Return after a look at the database that began later than this call."""
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        await asyncio.shield(self._round)

    async def _look(self) -> None:
        while self._round is not None:
            waited_for, self._round = self._round, None
            if await self._refresh():
                waited_for.set_result(None)
            else:
                self._retry(waited_for)
            await asyncio.sleep(self._interval_seconds)

    async def _refresh(self) -> bool:
        query = select(Document).where(Document.id.in_([*self._followed]))
        try:
            async with self._sessions() as session:
                rows = (await session.scalars(query)).all()
        except Exception as exc:  # noqa: BLE001, the edge of the task: the followers wait on
            log.warning("progress is not known", reason=repr(exc))
            return False
        self._seen = {row.id: DocumentRead.model_validate(row) for row in rows}
        return True

    def _retry(self, waited_for: asyncio.Future[None]) -> None:
        """Let those who waited in vain be answered by the next look."""
        if self._round is None:
            self._round = waited_for
        else:
            self._round.add_done_callback(lambda _: waited_for.set_result(None))

    def _forget(self, document_id: UUID) -> None:
        self._followed[document_id] -= 1
        if not self._followed[document_id]:
            del self._followed[document_id]


def _describe(document: DocumentRead) -> DocumentEvent:
    match document.status:
        case "ready":
            return DocumentReady(document=document)
        case "failed":
            return DocumentFailed(document=document)
        case _:
            return DocumentProgress(document=document)
