"""Places for a few at a time, given out by an order of the caller's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count


class Turns:
    """A semaphore whose next holder is who has the lowest place, and waits longest among equals."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._numbers = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def take(self, place: int) -> AsyncIterator[None]:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (place, next(self._numbers), turn))
        self._fill()
        try:
            await turn
            yield
        finally:
            # Cancelled while it waited, it holds nothing to give back.
            if not turn.cancelled():
                self._free += 1
                self._fill()

    def _fill(self) -> None:
        while self._free and self._waiting:
            *_, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                self._free -= 1
