"""How long a stream may keep its reader waiting."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: to the first item, from one item to the next, and for everything."""

    first: float
    between: float
    total: float


async def limit_waits(
    source: AsyncIterator[ItemT], deadlines: Deadlines
) -> AsyncGenerator[ItemT, None]:
    """Pass items on; raise `TimeoutError` when the next one is late.

    Each wait has a timer of its own: one timer around the whole loop would also interrupt whatever
    the reader does between two items.
    """
    now = asyncio.get_running_loop().time
    ends_at = now() + deadlines.total
    seconds = deadlines.first
    while True:
        try:
            async with asyncio.timeout_at(min(now() + seconds, ends_at)):
                item = await anext(source)
        except StopAsyncIteration:
            return
        yield item
        seconds = deadlines.between
