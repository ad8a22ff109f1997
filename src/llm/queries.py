"""Embeds the queries that wait at the same moment in one request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from src.exceptions import AppError

Vector = list[float]
Embed = Callable[[Sequence[str]], Awaitable[list[Vector]]]


@dataclass(eq=False)
class _Query:
    text: str
    vector: asyncio.Future[Vector] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class QueryEmbedder:
    """The first queries are asked for at once; those that come meanwhile share the next request.

    A query that the model fails on fails alone. A request that nobody waits for any more is cut.
    """

    def __init__(self, embed: Embed, *, most_requests: int, most_texts: int) -> None:
        self._embed = embed
        self._most_requests = most_requests
        self._most_texts = most_texts
        self._waiting: list[_Query] = []
        self._requests: set[asyncio.Task[None]] = set()

    async def embed(self, text: str) -> Vector:
        query = _Query(text)
        self._waiting.append(query)
        self._fill()
        return await query.vector

    def _fill(self) -> None:
        while self._waiting and len(self._requests) < self._most_requests:
            batch = self._waiting[: self._most_texts]
            del self._waiting[: self._most_texts]
            if asked := [query for query in batch if not query.vector.done()]:
                self._start(asked)

    def _start(self, batch: Sequence[_Query]) -> None:
        request = asyncio.create_task(self._ask(batch))
        self._requests.add(request)

        def cut_if_left(_: asyncio.Future[Vector]) -> None:
            if all(query.vector.cancelled() for query in batch):
                request.cancel()

        def go_on(_: asyncio.Task[None]) -> None:
            self._requests.discard(request)
            self._fill()

        for query in batch:
            query.vector.add_done_callback(cut_if_left)
        request.add_done_callback(go_on)

    async def _ask(self, batch: Sequence[_Query]) -> None:
        try:
            vectors = await self._embed([query.text for query in batch])
        except AppError as error:
            if len(batch) == 1:
                _fail(batch[0], error)
            else:
                await asyncio.gather(*(self._ask([query]) for query in batch))
        except Exception as error:  # noqa: BLE001, told to whoever waits for it
            for query in batch:
                _fail(query, error)
        else:
            for query, vector in zip(batch, vectors, strict=True):
                if not query.vector.done():
                    query.vector.set_result(vector)


def _fail(query: _Query, error: Exception) -> None:
    if not query.vector.done():
        query.vector.set_exception(error)
