"""Uploaded files in an object store: a folder, S3, GCS or Azure, by one URL."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from src.documents.exceptions import StorageUnavailableError, StoredFileMissingError

_BLOCK_BYTES = 1024 * 1024
_PART_BYTES = 5 * 1024 * 1024
# What nobody has written to for so long, nobody writes any more.
_UPLOAD_SECONDS = 3600


def open_store(url: str | None, data_dir: Path) -> ObjectStore:
    if url is None:
        return LocalStore(data_dir.resolve() / "files", mkdir=True)
    return from_url(url)


class FileStorage:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def write(self, key: str, content: AsyncIterator[bytes]) -> None:
        """Stream `content` into a new object. It exists under `key` only when all of it arrived."""
        blocks = _join_blocks(content)
        with _storage_errors():
            first = await anext(blocks, b"")
            if len(first) < _BLOCK_BYTES:  # That is all of it.
                await obstore.put_async(self._store, key, first)
                return
            async with obstore.open_writer_async(
                self._store, key, buffer_size=_PART_BYTES
            ) as writer:
                await writer.write(first)
                async for block in blocks:
                    await writer.write(block)

    async def read(self, key: str) -> bytes:
        with _storage_errors():
            try:
                result = await obstore.get_async(self._store, key)
                return bytes(await result.bytes_async())
            except FileNotFoundError as exc:
                raise StoredFileMissingError from exc

    async def open(
        self, key: str, start: int, end: int, *, block_bytes: int = _BLOCK_BYTES
    ) -> AsyncGenerator[bytes]:
        """Read bytes `[start, end)` block by block. The first block raises what there is to."""
        with _storage_errors():
            try:
                if end - start <= block_bytes:
                    content = await obstore.get_range_async(self._store, key, start=start, end=end)
                    yield bytes(content)
                    return
                found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            except FileNotFoundError as exc:
                raise StoredFileMissingError from exc
            async for block in found.stream(min_chunk_size=block_bytes):
                yield bytes(block)

    async def has(self, key: str) -> bool:
        with _storage_errors():
            try:
                await obstore.head_async(self._store, key)
            except FileNotFoundError:
                return False
        return True

    async def list_keys(self) -> AsyncGenerator[list[tuple[str, datetime]]]:
        """Every stored object with the time it was written, in batches."""
        with _storage_errors():
            async for batch in obstore.list(self._store):
                yield [(found["path"], found["last_modified"]) for found in batch]

    async def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is no error."""
        with _storage_errors():
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return

    async def delete_folder(self, prefix: str) -> None:
        """Delete every object below a prefix, which ends where a name does."""
        with _storage_errors():
            async for page in obstore.list(self._store, prefix):
                await obstore.delete_async(self._store, [item["path"] for item in page])

    async def delete_unfinished(self) -> None:
        """Delete what uploads left that ended with their process; object stores do so by rule."""
        if isinstance(self._store, LocalStore) and self._store.prefix is not None:
            await asyncio.to_thread(_delete_unfinished, Path(self._store.prefix))


def _delete_unfinished(folder: Path) -> None:
    """The store writes to `KEY#1` until all of it is there, and does not list that."""
    for path in folder.rglob("*#*"):
        if time.time() - path.stat().st_mtime > _UPLOAD_SECONDS:
            path.unlink(missing_ok=True)


async def _join_blocks(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join what comes off the network into blocks worth a trip to another thread."""
    block = bytearray()
    async for chunk in content:
        block += chunk
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as exc:
        raise StorageUnavailableError from exc
