"""How well search finds the passages that answer 1,190 questions about 48 documents (XQuAD).

A passage answers a question when it comes from the right document and holds the answer.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import httpx

from benchmarks.colloquy import log_in, run_colloquy, upload

_DATA = Path(__file__).parent / "data" / "xquad-en"
_MODES = ("dense", "sparse", "hybrid")
_LIMIT = 10
_AT_ONCE = 8


class Question(TypedDict):
    question: str
    answer: str
    document: str


async def main() -> None:
    questions = read_questions()
    async with run_colloquy() as api_url, log_in(api_url) as http:
        models = (await http.get("/llm/status")).json()
        seconds = await upload(http, sorted((_DATA / "documents").glob("*.md")))
        print(f"48 documents ready after {seconds:.1f} s, embedded by", end=" ")
        print(models["embedding"]["model"])
        print(f"{'':8} {'recall@1':>9} {'recall@5':>9} {'recall@10':>9} {'MRR@10':>9}")
        for mode in _MODES:
            ranks = await measure(http, questions, mode)
            scores = [recall(ranks, 1), recall(ranks, 5), recall(ranks, 10), mean_reciprocal(ranks)]
            print(f"{mode:8}", *(f"{score:9.4f}" for score in scores))


def read_questions() -> list[Question]:
    lines = (_DATA / "questions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def measure(
    http: httpx.AsyncClient, questions: Sequence[Question], mode: str
) -> list[int | None]:
    """Return the rank, from 1, of the first passage that answers each question."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def find(question: Question) -> int | None:
        request = {"query": question["question"], "limit": _LIMIT, "mode": mode}
        async with slots:
            response = await http.post("/documents/search", json=request)
        for rank, passage in enumerate(response.json()["passages"], 1):
            is_right = passage["filename"] == question["document"]
            if is_right and question["answer"] in passage["text"]:
                return rank
        return None

    return list(await asyncio.gather(*map(find, questions)))


def recall(ranks: Sequence[int | None], cutoff: int) -> float:
    return sum(rank is not None and rank <= cutoff for rank in ranks) / len(ranks)


def mean_reciprocal(ranks: Sequence[int | None]) -> float:
    return sum(1 / rank for rank in ranks if rank is not None) / len(ranks)


if __name__ == "__main__":
    asyncio.run(main())
