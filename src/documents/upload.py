"""An upload, from the socket to the rows: files stream to storage before any transaction opens."""

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.config import DocumentSettings
from src.database import new_id, release
from src.documents.exceptions import (
    EmptyFileError,
    FileTooLargeError,
    InvalidUploadFieldError,
    NoFilesError,
    TooManyFilesError,
)
from src.documents.filetypes import detect_type, list_extensions, supported_types
from src.documents.models import Document, DocumentUsage
from src.documents.multipart import Part, read_parts
from src.documents.queue import IngestJob, JobQueue
from src.documents.schemas import (
    DocumentFields,
    DocumentRead,
    FormatRead,
    FormatsRead,
    UploadRead,
    UploadResult,
)
from src.documents.storage import FileStorage
from src.documents.upload_keys import UploadKeys
from src.documents.usage import get_allowance, lock_usage
from src.exceptions import AppError
from src.schemas import Problem

_HEAD_BYTES = 64 * 1024
_FIELD_BYTES = 16 * 1024
_MOST_FIELDS = 50
_LONGEST_NAME = 255
# Counting on would slow uploads down, and nobody else waits behind so many.
_LONGEST_LINE = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that is safe in storage, under a key of its own, but that no row knows yet."""

    document_id: UUID
    storage_key: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class RefusedFile:
    filename: str
    error: AppError


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    fields: DocumentFields
    files: list[ReceivedFile | RefusedFile]


class UploadReceiver:
    """Takes files off the wire. Whatever it leaves in storage when it fails, it deletes."""

    def __init__(self, storage: FileStorage, settings: DocumentSettings) -> None:
        self._storage = storage
        self._settings = settings

    async def receive(
        self, user_id: UUID, body: AsyncIterator[bytes], boundary: bytes
    ) -> ReceivedUpload:
        fields: dict[str, list[str]] = {}
        files: list[ReceivedFile | RefusedFile] = []
        try:
            async with aclosing(read_parts(body, boundary)) as parts:
                async for part in parts:
                    if part.filename is None:
                        _check_field_count(fields)
                        fields.setdefault(part.name, []).append(await _read_field(part))
                    else:
                        self._check_file(part, len(files) + 1)
                        files.append(await self._receive_file(user_id, part))
            return ReceivedUpload(_parse_fields(fields, len(files)), _require_some(files))
        except BaseException:
            await self.discard(files)
            raise

    def list_formats(self) -> FormatsRead:
        formats = [
            FormatRead(media_type=name, extensions=list_extensions(name))
            for name in supported_types()
        ]
        limits = self._settings
        return FormatsRead(
            formats=formats, max_file_bytes=limits.max_bytes, max_files=limits.max_files
        )

    async def discard(self, files: Sequence[ReceivedFile | RefusedFile]) -> None:
        for file in files:
            if isinstance(file, ReceivedFile):
                await self._storage.delete(file.storage_key)

    async def _receive_file(self, user_id: UUID, part: Part) -> ReceivedFile | RefusedFile:
        filename = clean_filename(part.filename or "")
        document_id = new_id()
        storage_key = f"{user_id}/{document_id}"
        try:
            head, content = await _peek(part.content)
            media_type = detect_type(head, filename)
            stored = await self._storage.write(storage_key, self._limit(content))
        except AppError as error:
            await self._skip(part.content, error)
            return RefusedFile(filename, error)
        return ReceivedFile(
            document_id, storage_key, filename, media_type, stored.size_bytes, stored.sha256
        )

    async def _limit(self, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
        """Pass the file through until it is too large."""
        size_bytes = 0
        async for chunk in content:
            size_bytes += len(chunk)
            if size_bytes > self._settings.max_bytes:
                raise FileTooLargeError(
                    f"The file is larger than the {self._settings.max_bytes:,} bytes allowed."
                )
            yield chunk

    async def _skip(self, content: AsyncIterator[bytes], error: AppError) -> None:
        """Read past a refused file to the next one; give the whole upload up when it goes on."""
        size_bytes = 0
        async for chunk in content:
            size_bytes += len(chunk)
            if size_bytes > self._settings.max_bytes:
                raise error

    def _check_file(self, part: Part, count: int) -> None:
        if part.name != "files":
            raise InvalidUploadFieldError("Send files in the field `files`.")
        if count > self._settings.max_files:
            raise TooManyFilesError(f"Send at most {self._settings.max_files} files at once.")


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
        behind = await self._count_waiting(user_id)
        created = await self._insert(user_id, upload.fields, received)
        usage.documents += len(created)
        usage.size_bytes += sum(file.size_bytes for file in created)
        await self._queue.enqueue_ingest(
            [IngestJob(document_id=file.document_id) for file in created], behind=behind
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
                error = allowance.take(file.size_bytes)
                if error is None:
                    known.add(file.sha256)
            checked.append(RefusedFile(file.filename, error) if error else file)
        return checked

    async def _count_waiting(self, user_id: UUID) -> int:
        waiting = (
            select(Document.id)
            .where(Document.user_id == user_id, Document.status.in_(["pending", "processing"]))
            .limit(_LONGEST_LINE)
        )
        return await self._session.scalar(select(func.count()).select_from(waiting.subquery())) or 0

    async def _insert(
        self, user_id: UUID, fields: DocumentFields, files: list[ReceivedFile]
    ) -> list[ReceivedFile]:
        """Insert a row for each file whose bytes the user does not have yet; return those."""
        rows = [
            {
                "id": file.document_id,
                "user_id": user_id,
                "title": fields.title or PurePosixPath(file.filename).stem or file.filename,
                "description": fields.description,
                "tags": fields.tags,
                "filename": file.filename,
                "media_type": file.media_type,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "storage_key": file.storage_key,
            }
            for file in files
        ]
        inserted = await self._session.scalars(
            insert(Document).values(rows).on_conflict_do_nothing().returning(Document.id)
        )
        created = set(inserted.all())
        return [file for file in files if file.document_id in created]

    async def _load(self, user_id: UUID, files: list[ReceivedFile]) -> dict[str, Document]:
        rows = await self._session.scalars(
            select(Document).where(
                Document.user_id == user_id, Document.sha256.in_({file.sha256 for file in files})
            )
        )
        return {row.sha256: row for row in rows}


def clean_filename(name: str) -> str:
    """Keep the last component of whatever path a client sent, printable and short."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(character for character in base if character.isprintable()).strip()
    return printable[-_LONGEST_NAME:].lstrip(".") or "untitled"


async def _peek(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """Read enough to tell the type; return it, and the whole content from its beginning."""
    head = bytearray()
    async for chunk in content:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    if not head:
        raise EmptyFileError
    return bytes(head), _prepend(bytes(head), content)


async def _prepend(head: bytes, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    yield head
    async for chunk in content:
        yield chunk


def _check_field_count(fields: dict[str, list[str]]) -> None:
    if sum(map(len, fields.values())) >= _MOST_FIELDS:
        raise InvalidUploadFieldError("The upload has too many fields.")


async def _read_field(part: Part) -> str:
    value = bytearray()
    async for chunk in part.content:
        value += chunk
        if len(value) > _FIELD_BYTES:
            raise InvalidUploadFieldError(f"The field `{part.name[:50]}` is too long.")
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise InvalidUploadFieldError(f"The field `{part.name[:50]}` is not UTF-8.") from exc


def _parse_fields(fields: dict[str, list[str]], file_count: int) -> DocumentFields:
    values: dict[str, object] = {name: texts[-1] for name, texts in fields.items()}
    if "tags" in fields:
        values["tags"] = _parse_tags(fields["tags"])
    try:
        parsed = DocumentFields.model_validate(values)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise InvalidUploadFieldError(f"{first['loc'][0]}: {first['msg']}") from exc
    if parsed.title is not None and file_count > 1:
        raise InvalidUploadFieldError("title: an upload of several files cannot have one title")
    return parsed


def _parse_tags(texts: list[str]) -> list[str]:
    """Accept the field repeated, comma-separated, or as a JSON list; keep each tag once."""
    tags: list[str] = []
    for text in texts:
        try:
            loaded = json.loads(text) if text.lstrip().startswith("[") else text.split(",")
        except ValueError as exc:
            raise InvalidUploadFieldError("tags: not a valid JSON list") from exc
        tags += [str(tag).strip() for tag in loaded]
    return list(dict.fromkeys(tag for tag in tags if tag))


def _list_received(files: Sequence[ReceivedFile | RefusedFile]) -> list[ReceivedFile]:
    return [file for file in files if isinstance(file, ReceivedFile)]


def _fingerprint(upload: ReceivedUpload) -> str:
    """The same for two uploads that say the same, wherever their files were put meanwhile."""
    files = [
        (file.filename, file.sha256 if isinstance(file, ReceivedFile) else file.error.code)
        for file in upload.files
    ]
    said = json.dumps([upload.fields.model_dump(), files], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _require_some(files: list[ReceivedFile | RefusedFile]) -> list[ReceivedFile | RefusedFile]:
    if not files:
        raise NoFilesError
    return files


def _describe(
    file: ReceivedFile | RefusedFile, documents: dict[str, Document], request_id: str | None
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
