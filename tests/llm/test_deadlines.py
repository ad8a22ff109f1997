import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from src.llm.deadlines import Deadlines, limit_waits

LONG = 60.0
SHORT = 0.1


async def emit(*delays: float) -> AsyncGenerator[int, None]:
    for number, delay in enumerate(delays):
        await asyncio.sleep(delay)
        yield number


async def test_items_in_time_pass() -> None:
    items = limit_waits(emit(0, 0, 0), Deadlines(LONG, LONG, LONG))
    assert [item async for item in items] == [0, 1, 2]


async def test_a_late_first_item_is_an_error() -> None:
    items = limit_waits(emit(LONG), Deadlines(SHORT, LONG, LONG))
    with pytest.raises(TimeoutError):
        await anext(items)


async def test_a_late_next_item_is_an_error() -> None:
    items = limit_waits(emit(0, LONG), Deadlines(LONG, SHORT, LONG))
    assert await anext(items) == 0
    with pytest.raises(TimeoutError):
        await anext(items)


async def test_the_total_ends_a_drip() -> None:
    drip = emit(*[SHORT / 4] * 1000)
    with pytest.raises(TimeoutError):
        [item async for item in limit_waits(drip, Deadlines(LONG, LONG, SHORT))]


async def test_the_readers_own_time_does_not_count() -> None:
    async with aclosing(limit_waits(emit(0, 0), Deadlines(SHORT, SHORT, LONG))) as items:
        assert await anext(items) == 0
        await asyncio.sleep(SHORT * 2)
        assert await anext(items) == 1
