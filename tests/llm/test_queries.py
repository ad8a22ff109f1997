import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from src.llm.exceptions import LLMFailedError
from src.llm.queries import QueryEmbedder

PATIENCE_SECONDS = 30


@dataclass
class Model:
    """Answers when it may, and fails on what it is told to; a vector is the length of its text."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[list[str]] = field(default_factory=list)
    cancelled: int = 0
    broken: str = ""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.asked.append([*texts])
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.broken in texts:
            raise LLMFailedError
        return [[float(len(text))] for text in texts]

    def embedder(self, most_requests: int = 1, most_texts: int = 8) -> QueryEmbedder:
        return QueryEmbedder(self.embed, most_requests=most_requests, most_texts=most_texts)


async def ask_all(embedder: QueryEmbedder, *texts: str) -> list[asyncio.Task[list[float]]]:
    tasks = [asyncio.create_task(embedder.embed(text)) for text in texts]
    await settle()
    return tasks


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_whoever_waits_shares_the_next_request() -> None:
    model = Model()
    tasks = await ask_all(
        model.embedder(most_requests=2, most_texts=3), *["a", "bb", "ccc", "d", "ee", "f"]
    )
    assert model.asked == [["a"], ["bb"]]
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*tasks) == [[1.0], [2.0], [3.0], [1.0], [2.0], [1.0]]
    assert model.asked[2:] == [["ccc", "d", "ee"], ["f"]]


async def test_a_query_that_the_model_fails_on_fails_alone() -> None:
    model = Model(broken="bad")
    tasks = await ask_all(model.embedder(), "first", "good", "bad", "fine")
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        first, good, bad, fine = await asyncio.gather(*tasks, return_exceptions=True)
    assert [first, good, fine] == [[5.0], [4.0], [4.0]]
    assert isinstance(bad, LLMFailedError)


async def test_a_request_that_nobody_waits_for_is_cut() -> None:
    model = Model()
    first, second, third = await ask_all(model.embedder(), "a", "b", "c")
    second.cancel()
    await settle()
    assert model.cancelled == 0
    first.cancel()
    await settle()
    assert model.cancelled == 1
    assert model.asked == [["a"], ["c"]]
    model.may_answer.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await third == [1.0]


async def test_what_nobody_expected_is_told_as_well() -> None:
    async def break_down(_: Sequence[str]) -> list[list[float]]:
        raise ZeroDivisionError

    embedder = QueryEmbedder(break_down, most_requests=1, most_texts=8)
    for text in ("a", "b"):
        with pytest.raises(ZeroDivisionError):
            await embedder.embed(text)
