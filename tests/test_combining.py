import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from src.combining import Combiner

PATIENCE_SECONDS = 30


class BrokenTextError(Exception):
    pass


@dataclass
class Model:
    """Answers when it may, and fails on what it is told to; the result is the length of a text."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[list[str]] = field(default_factory=list)
    cancelled: int = 0
    broken: str = ""
    skipped: str = ""

    async def measure(self, _: str, texts: Sequence[str]) -> list[int | None]:
        self.asked.append([*texts])
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.broken in texts:
            raise BrokenTextError
        is_alone = len(texts) == 1
        return [len(text) if is_alone or text != self.skipped else None for text in texts]

    def combiner(self, rounds: int = 1, most: int = 8) -> Combiner[str, str, int]:
        return Combiner(self.measure, most=most, rounds=rounds)


async def ask_all(combiner: Combiner[str, str, int], *texts: str) -> list[asyncio.Task[int]]:
    """Ask for each before the one before is done."""
    tasks = []
    for text in texts:
        tasks.append(asyncio.create_task(combiner.do("", text)))
        await settle()
    return tasks


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_whoever_waits_shares_the_next_round() -> None:
    model = Model()
    tasks = await ask_all(model.combiner(rounds=2, most=3), *["a", "bb", "ccc", "d", "ee", "f"])
    assert model.asked == [["a"], ["bb"]]
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*tasks) == [1, 2, 3, 1, 2, 1]
    assert model.asked[2:] == [["ccc", "d", "ee"], ["f"]]


async def test_what_is_asked_for_at_once_is_one_round() -> None:
    model = Model()
    model.may_answer.set()
    combiner = model.combiner()
    assert await asyncio.gather(*(combiner.do("", text) for text in ("a", "bb"))) == [1, 2]
    assert model.asked == [["a", "bb"]]


async def test_keys_have_lines_of_their_own() -> None:
    model = Model()
    combiner = model.combiner()
    tasks = [asyncio.create_task(combiner.do(key, key)) for key in ("a", "b", "a", "b")]
    await settle()
    assert model.asked == [["a", "a"], ["b", "b"]]
    model.may_answer.set()
    assert await asyncio.gather(*tasks) == [1, 1, 1, 1]


async def test_a_lower_rank_goes_first_and_a_heavy_item_alone() -> None:
    model = Model()
    combiner = Combiner(model.measure, most=4, weigh=len)
    items = [("begun", 5), ("late", 9), ("heavy!", 4), ("bb", 3), ("aa", 3)]
    tasks = []
    for text, rank in items:
        tasks.append(asyncio.create_task(combiner.do("", text, rank=rank)))
        await settle()
    model.may_answer.set()
    await asyncio.gather(*tasks)
    assert model.asked == [["begun"], ["bb", "aa"], ["heavy!"], ["late"]]


async def test_what_fails_in_company_fails_alone() -> None:
    model = Model(broken="bad")
    tasks = await ask_all(model.combiner(), "first", "good", "bad", "fine")
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        first, good, bad, fine = await asyncio.gather(*tasks, return_exceptions=True)
    assert [first, good, fine] == [5, 4, 4]
    assert isinstance(bad, BrokenTextError)


async def test_what_is_left_undone_in_company_is_done_alone() -> None:
    model = Model(skipped="later")
    tasks = await ask_all(model.combiner(), "first", "now", "later")
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*tasks) == [5, 3, 5]
    assert model.asked == [["first"], ["now", "later"], ["later"]]


async def test_a_round_that_nobody_waits_for_is_cut() -> None:
    model = Model()
    first, second, third = await ask_all(model.combiner(), "a", "b", "c")
    second.cancel()
    await settle()
    assert model.cancelled == 0
    first.cancel()
    await settle()
    assert model.cancelled == 1
    assert model.asked == [["a"], ["c"]]
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await third == 1


async def test_an_error_is_told_to_whoever_asked() -> None:
    model = Model(broken="bad")
    model.may_answer.set()
    with pytest.raises(BrokenTextError):
        await model.combiner().do("", "bad")
