"""The files of an upload, from the socket to storage, before any transaction opens."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from src.config import DocumentSettings
from src.database import new_id
from src.documents.exceptions import (
    EmptyFileError,
    FileTooLargeError,
    InvalidUploadFieldError,
    MalformedUploadError,
    NoFilesError,
    QuotaExceededError,
    TooManyFilesError,
)
from src.documents.multipart import Part, read_parts
from src.documents.reading.filetypes import detect_type, list_extensions, supported_types
from src.documents.schemas import DocumentFields, FormatRead, FormatsRead
from src.documents.storage import FileStorage
from src.documents.usage import Allowance, has_document, read_allowance
from src.exceptions import AppError
from src.statements import Statements

_HEAD_BYTES = 64 * 1024
_INLINE_BYTES = 256 * 1024
_FIELD_BYTES = 16 * 1024
_MOST_FIELDS = 50
_LONGEST_NAME = 255
_TEXTS: Final = TypeAdapter(list[str])


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that is safe in storage, under a key of its own, but that no row knows yet.

    One that the user has already, or may not have as far as is known, is not stored a second time.
    """

    document_id: UUID
    storage_key: str
    filename: str
    media_type: str
    size_bytes: int
    sha256: str
    is_stored: bool


@dataclass(frozen=True, slots=True)
class RefusedFile:
    filename: str
    sha256: str
    error: AppError


@dataclass(frozen=True, slots=True)
class ReceivedUpload:
    fields: DocumentFields
    files: list[ReceivedFile | RefusedFile]


class UploadReceiver:
    """Takes files off the wire. Whatever it leaves in storage when it fails, it deletes."""

    def __init__(
        self, storage: FileStorage, statements: Statements, settings: DocumentSettings
    ) -> None:
        self._storage = storage
        self._statements = statements
        self._settings = settings

    async def receive(
        self, user_id: UUID, body: AsyncIterator[bytes], boundary: bytes
    ) -> ReceivedUpload:
        fields: dict[str, list[str]] = {}
        files: list[ReceivedFile | RefusedFile] = []
        allowance = await read_allowance(self._statements, user_id, self._settings)
        room = _Room(self._statements, user_id, allowance)
        try:
            async with aclosing(read_parts(body, boundary)) as parts:
                async for part in parts:
                    if part.filename is None:
                        _check_field_count(fields)
                        fields.setdefault(part.name, []).append(await _read_field(part))
                    else:
                        self._check_file(part, len(files) + 1)
                        files.append(await self._receive_file(user_id, part, room))
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
            if isinstance(file, ReceivedFile) and file.is_stored:
                await self._storage.delete(file.storage_key)

    async def _receive_file(
        self, user_id: UUID, part: Part, room: "_Room"
    ) -> ReceivedFile | RefusedFile:
        filename = clean_filename(part.filename or "")
        document_id = new_id()
        storage_key = f"{user_id}/{document_id}"
        content = _Measured(part.content)
        try:
            head, whole = await _peek(content)
            media_type = detect_type(head, filename)
            is_stored = await self._store(storage_key, whole, content, room)
        except MalformedUploadError:
            raise  # Nobody knows where the next file begins.
        except AppError as error:
            await self._skip(content, error)
            return RefusedFile(filename, content.sha256, error)
        return ReceivedFile(
            *(document_id, storage_key, filename, media_type),
            *(content.size_bytes, content.sha256, is_stored),
        )

    async def _store(
        self, key: str, whole: AsyncIterator[bytes], content: "_Measured", room: "_Room"
    ) -> bool:
        """Read all of the file; whether it is in storage as well."""
        limited = self._limit(whole, content)
        try:
            await self._storage.write(key, room.fill(limited, content))
        except QuotaExceededError:
            async for _ in limited:
                pass  # The user may have the same already: the bytes tell.
            return False
        is_new = False
        try:
            is_new = await room.take(content.sha256, content.size_bytes)
        finally:
            if not is_new:
                await self._storage.delete(key)
        return is_new

    async def _limit(
        self, whole: AsyncIterator[bytes], content: "_Measured"
    ) -> AsyncGenerator[bytes]:
        """Pass the file through until it is too large."""
        async for chunk in whole:
            if content.size_bytes > self._settings.max_bytes:
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


class _Measured:
    """The content of a file, counted and hashed as it passes, whatever becomes of it."""

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self._content = content
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._content)
        self.size_bytes += len(chunk)
        if len(chunk) < _INLINE_BYTES:
            self._digest.update(chunk)
        else:  # It takes longer than the trip to another thread.
            await asyncio.to_thread(self._digest.update, chunk)
        return chunk


class _Room:
    """What an upload may store for now; what the user has already takes nothing of it."""

    def __init__(self, statements: Statements, user_id: UUID, allowance: Allowance) -> None:
        self._statements = statements
        self._user_id = user_id
        self._allowance = allowance
        self._taken: set[str] = set()

    async def fill(
        self, limited: AsyncIterator[bytes], content: _Measured
    ) -> AsyncGenerator[bytes]:
        """Pass a file through until there is no room for it."""
        async for chunk in limited:
            if (error := self._allowance.check(content.size_bytes)) is not None:
                raise error
            yield chunk

    async def take(self, sha256: str, size_bytes: int) -> bool:
        """Whether the bytes are new to the user, as far as it matters."""
        if not self._allowance.is_limited:
            return True
        if sha256 in self._taken or await has_document(self._statements, self._user_id, sha256):
            return False
        self._taken.add(sha256)
        return self._allowance.take(size_bytes) is None


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
            is_json = text.lstrip().startswith("[")
            found = _TEXTS.validate_json(text) if is_json else text.split(",")
        except ValidationError as exc:
            raise InvalidUploadFieldError("tags: not a valid JSON list of texts") from exc
        tags += [tag.strip() for tag in found]
    return list(dict.fromkeys(tag for tag in tags if tag))


def _require_some(files: list[ReceivedFile | RefusedFile]) -> list[ReceivedFile | RefusedFile]:
    if not files:
        raise NoFilesError
    return files
