import asyncio
import math

import pytest

from src.llm.cache import ExpiringCache


class Loader:
    """Counts its loads; each gives the next number or fails."""

    def __init__(self) -> None:
        self.count = 0
        self.is_failing = False
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def __call__(self, key: str) -> str:
        self.count += 1
        count = self.count
        await self.may_finish.wait()
        if self.is_failing:
            raise ConnectionError(key)
        return f"{key}{count}"


async def test_a_value_is_loaded_once_per_key() -> None:
    cache = ExpiringCache(Loader(), math.inf)
    assert [await cache.get("a"), await cache.get("a"), await cache.get("b")] == ["a1", "a1", "b2"]


async def test_an_old_value_is_loaded_again() -> None:
    cache = ExpiringCache(Loader(), 0)
    assert [await cache.get("a"), await cache.get("a")] == ["a1", "a2"]


async def test_refresh_replaces_a_young_value() -> None:
    cache = ExpiringCache(Loader(), math.inf)
    assert [await cache.get("a"), await cache.refresh("a"), await cache.get("a")] == [
        "a1",
        "a2",
        "a2",
    ]


async def test_callers_share_a_load_and_its_failure() -> None:
    loader = Loader()
    loader.may_finish.clear()
    loader.is_failing = True
    cache = ExpiringCache(loader, math.inf)
    waiting = [asyncio.create_task(cache.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    loader.may_finish.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError] * 5
    assert loader.count == 1


async def test_a_failure_is_not_kept() -> None:
    loader = Loader()
    loader.is_failing = True
    cache = ExpiringCache(loader, math.inf)
    with pytest.raises(ConnectionError):
        await cache.get("a")
    loader.is_failing = False
    assert await cache.get("a") == "a2"


async def test_a_caller_that_leaves_does_not_end_the_load_of_others() -> None:
    loader = Loader()
    loader.may_finish.clear()
    cache = ExpiringCache(loader, math.inf)
    leaving, staying = (asyncio.create_task(cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    loader.may_finish.set()
    assert await staying == "a1"
    assert leaving.cancelled()
