"""Vectors without a server: Qdrant Edge in a process of our own.

The engine holds the interpreter lock for as long as a call lasts, a search as well as a flush to
disk. In this process that would stop every stream, so it gets another, which lives on a pipe from
us and ends when the pipe does, however we end.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast
from uuid import UUID

from src.documents.exceptions import VectorsUnavailableError
from src.documents.piped_process import PipedProcess
from src.documents.turns import Turns
from src.documents.vectors.base import ChunkPoint, Hit, HybridQuery, Scope
from src.documents.vectors.frames import (
    LENGTH_BYTES,
    Call,
    Reply,
    decode_length,
    decode_reply,
    encode_frame,
)

_PROJECT_ROOT: Final = Path(__file__).parents[3]
# Whoever waits for an answer goes before whatever waits to be written.
_ANSWERING: Final = 0
_WRITING: Final = 1


class EdgeVectorIndex:
    """Starts its process at the first call, and again if it died. `path` allows one server."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._process: PipedProcess | None = None
        self._turns = Turns(1)

    async def create_collection(self, name: str, dimension: int) -> None:
        await self._call("create_collection", name, dimension)

    async def list_collections(self) -> list[str]:
        return cast("list[str]", await self._call("list_collections"))

    async def upsert(self, collection: str, points: Sequence[ChunkPoint]) -> None:
        await self._call("upsert", collection, points)

    async def update_tags(
        self, collection: str, user_id: UUID, document_id: UUID, tags: tuple[str, ...]
    ) -> None:
        await self._call("update_tags", collection, user_id, document_id, tags)

    async def search(
        self, collection: str, query: HybridQuery, scope: Scope, limit: int
    ) -> list[Hit]:
        if scope.is_empty or not query.weights:
            return []
        call = Call("search", (collection, query, scope, limit))
        return cast("list[Hit]", await self._ask(call, _ANSWERING))

    async def delete_document(self, collection: str, user_id: UUID, document_id: UUID) -> None:
        await self._call("delete_document", collection, user_id, document_id)

    async def delete_user(self, collection: str, user_id: UUID) -> None:
        await self._call("delete_user", collection, user_id)

    async def list_points(
        self, collection: str, after: UUID | None, limit: int, scope: Scope | None = None
    ) -> list[UUID]:
        found = await self._call("list_points", collection, after, limit, scope)
        return cast("list[UUID]", found)

    async def delete_points(self, collection: str, chunk_ids: Sequence[UUID]) -> None:
        await self._call("delete_points", collection, [*chunk_ids])

    async def drop_collection(self, name: str) -> None:
        await self._call("drop_collection", name)

    async def count(self, collection: str, scope: Scope) -> int:
        if scope.is_empty:
            return 0
        return cast("int", await self._call("count", collection, scope))

    async def check(self) -> None:
        await self._call("check")

    async def close(self) -> None:
        """End the process, which flushes first."""
        async with self._turns.take(_WRITING):
            if self._process is not None:
                await self._process.wait()
                self._process = None

    async def _call(self, method: str, *arguments: object) -> object:
        return await self._ask(Call(method, arguments), _WRITING)

    async def _ask(self, call: Call, place: int) -> object:
        """A caller that goes away must not leave half an answer in the pipe: hence the shield."""
        reply = await asyncio.shield(self._exchange(call, place))
        if reply.error is not None:
            raise reply.error
        return reply.result

    async def _exchange(self, call: Call, place: int) -> Reply:
        async with self._turns.take(place):
            process = await self._ensure_process()
            try:
                return await _send(process, call)
            except (EOFError, OSError) as error:
                await process.wait()
                raise VectorsUnavailableError from error

    async def _ensure_process(self) -> PipedProcess:
        if self._process is None or self._process.returncode is not None:
            self._process = await PipedProcess.start(
                [sys.executable, "-m", "src.documents.vectors", self._path],
                cwd=_PROJECT_ROOT,
                env=os.environ,
            )
        return self._process


async def _send(process: PipedProcess, call: Call) -> Reply:
    process.stdin.write(encode_frame(call))
    await process.stdin.drain()
    length = decode_length(await process.stdout.readexactly(LENGTH_BYTES))
    return decode_reply(await process.stdout.readexactly(length))
