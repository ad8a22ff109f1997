"""Lets questions in a few at a time, so that of many the first ones are answered first.

Between a question and the first word of its answer lie half a dozen waits: for the database, the
vector of the question, the index. Of two hundred questions let in at once each would queue at every
one of them behind all the others, and everybody would get the first word when the last one does.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Self

_PLACES: Final = 8
_PATIENCE_SECONDS: Final = 0.25


class Place:
    """Held while a question is made ready; by whoever `keep`s it also beyond the `with` block.

    A question that holds it for long waits for something slow and makes room for the next one.
    """

    def __init__(self, give_back: Callable[[], None], patience_seconds: float) -> None:
        self._give_back = give_back
        self._is_kept = False
        loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = loop.call_later(patience_seconds, self.leave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            self.leave()

    def keep(self) -> None:
        self._is_kept = True

    def leave(self) -> None:
        """Make room for the next question. Leaving twice does nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._give_back()


class Doorway:
    """One per process: questions come in by it in the order in which they were asked."""

    def __init__(self, places: int = _PLACES, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._free = asyncio.Semaphore(places)
        self._patience_seconds = patience_seconds

    async def enter(self) -> Place:
        await self._free.acquire()
        return Place(self._free.release, self._patience_seconds)
