"""Makes documents of received files: their rows and their jobs, in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.database import Base, release
from src.documents.models import DocumentUsage
from src.documents.queue import IngestJob, JobQueue
from src.documents.receiving import ReceivedFile, ReceivedUpload, RefusedFile, UploadReceiver
from src.documents.schemas import DocumentFields, DocumentRead, UploadRead, UploadResult
from src.documents.upload_keys import UploadKeys
from src.documents.usage import get_allowance, lock_usage
from src.schemas import Problem
from src.statements import TableParameter

_OF_EACH: Final = ("id", "title", "filename", "media_type", "size_bytes", "sha256", "storage_key")
_OF_ALL: Final = ("user_id", "description", "tags")
_documents: Final = Base.metadata.tables["documents"]
_GIVEN: Final = TableParameter("file", {name: _documents.c[name].type for name in _OF_EACH})
_INSERT: Final = (
    insert(_documents)
    .from_select(
        [*_OF_EACH, *_OF_ALL],
        select(
            _GIVEN.table,
            *(bindparam(f"all_{name}", type_=_documents.c[name].type) for name in _OF_ALL),
        ),
    )
    .on_conflict_do_nothing()
    .returning(_documents.c.id)
)
_FIND: Final = select(*(_documents.c[name] for name in DocumentRead.model_fields)).where(
    _documents.c.user_id == bindparam("user_id"),
    _documents.c.sha256 == any_(bindparam("digests", type_=ARRAY(Text))),
)
# By their digests.
_Found = Mapping[str, Row[*tuple[Any, ...]]]


class UploadService:
    """Makes documents of received files, in one transaction with their jobs."""

    def __init__(
        self,
        session: AsyncSession,
        queue: JobQueue,
        receiver: UploadReceiver,
        settings: DocumentSettings,
    ) -> None:
        self._session = session
        self._queue = queue
        self._receiver = receiver
        self._settings = settings

    async def accept(
        self, user_id: UUID, upload: ReceivedUpload, request_id: str | None, key: str | None
    ) -> UploadRead:
        """Answer for each file; raise the first file's error when no file was good.

        With a key that was used before, the answer is the one that upload got.
        """
        received = _list_received(upload.files)
        try:
            answer, kept_ids = await self._store(user_id, upload, request_id, key)
        except BaseException:
            await self._receiver.discard(received)
            raise
        # From here on the rows may stand, so only files that no row points at may go.
        await release(self._session)
        await self._receiver.discard([f for f in received if f.document_id not in kept_ids])
        return answer

    async def _store(
        self, user_id: UUID, upload: ReceivedUpload, request_id: str | None, key: str | None
    ) -> tuple[UploadRead, set[UUID]]:
        usage = await lock_usage(self._session, user_id)
        keys = UploadKeys(self._session, user_id, key, _fingerprint(upload))
        if (earlier := await keys.find_answer()) is not None:
            return earlier, set()
        files = await self._apply_quota(user_id, usage, upload.files)
        received = _list_received(files)
        if not received:
            raise next(file.error for file in files if isinstance(file, RefusedFile))
        behind = await self._queue.count_line(user_id)
        created = await self._insert(user_id, upload.fields, received)
        usage.documents += len(created)
        usage.size_bytes += sum(file.size_bytes for file in created)
        await self._queue.enqueue_ingest(
            [IngestJob(document_id=file.document_id, user_id=user_id) for file in created],
            behind=behind,
        )
        documents = await self._load(user_id, received)
        answer = UploadRead(results=[_describe(file, documents, request_id) for file in files])
        keys.keep(answer)
        return answer, {file.document_id for file in created}

    async def _apply_quota(
        self, user_id: UUID, usage: DocumentUsage, files: list[ReceivedFile | RefusedFile]
    ) -> list[ReceivedFile | RefusedFile]:
        """Refuse what does not fit; what the user has already takes nothing."""
        known = set(await self._load(user_id, _list_received(files)))
        allowance = get_allowance(usage, self._settings)
        checked: list[ReceivedFile | RefusedFile] = []
        for file in files:
            error = None
            if isinstance(file, ReceivedFile) and file.sha256 not in known:
                decide = allowance.take if file.is_stored else allowance.refuse
                error = decide(file.size_bytes)
                if error is None:
                    known.add(file.sha256)
            checked.append(RefusedFile(file.filename, file.sha256, error) if error else file)
        return checked

    async def _insert(
        self, user_id: UUID, fields: DocumentFields, files: list[ReceivedFile]
    ) -> list[ReceivedFile]:
        """Insert a row for each file whose bytes the user does not have yet; return those."""
        rows = [
            (
                file.document_id,
                fields.title or PurePosixPath(file.filename).stem or file.filename,
                file.filename,
                file.media_type,
                file.size_bytes,
                file.sha256,
                file.storage_key,
            )
            for file in files
        ]
        of_all = {
            "all_user_id": user_id,
            "all_description": fields.description,
            "all_tags": fields.tags,
        }
        created = await self._session.scalars(_INSERT, _GIVEN.bind(rows) | of_all)
        ids = {*created}
        return [file for file in files if file.document_id in ids]

    async def _load(self, user_id: UUID, files: list[ReceivedFile]) -> _Found:
        digests = [file.sha256 for file in files]
        rows = await self._session.execute(_FIND, {"user_id": user_id, "digests": digests})
        return {row.sha256: row for row in rows}


def _list_received(files: Sequence[ReceivedFile | RefusedFile]) -> list[ReceivedFile]:
    return [file for file in files if isinstance(file, ReceivedFile)]


def _fingerprint(upload: ReceivedUpload) -> str:
    """The same for two uploads that say the same, whatever became of their files meanwhile."""
    files = [(file.filename, file.sha256) for file in upload.files]
    said = json.dumps([upload.fields.model_dump(), files], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _describe(
    file: ReceivedFile | RefusedFile, documents: _Found, request_id: str | None
) -> UploadResult:
    if isinstance(file, RefusedFile):
        problem = Problem.from_error(file.error, request_id)
        return UploadResult(filename=file.filename, document=None, is_existing=False, error=problem)
    document = documents[file.sha256]
    return UploadResult(
        filename=file.filename,
        document=DocumentRead.model_validate(document),
        is_existing=document.id != file.document_id,
        error=None,
    )
