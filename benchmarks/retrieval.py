"""How well search finds the passages that answer 1,190 questions about 48 documents (XQuAD).

`python -m benchmarks.retrieval` asks a running Colloquy, and beside it bm25s, with the same
passages. `python -m benchmarks.retrieval alternatives` compares other sizes and weights, with the
same chunker, engine and ranking in this process.

A passage answers a question when it comes from the right document and holds the answer. A question
has one answer, so the ideal ranking has it first: nDCG@10 is the mean of 1 / log2(1 + rank). Longer
passages hold more answers, and leave room for fewer: `in 3,000` counts what the first 3,000
characters of all passages together hold.

Whoever chooses by the same questions that count flatters the choice. So the last row of the
alternatives chooses by one half of the documents and scores the other, both ways.
"""

import asyncio
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict

import bm25s
import httpx
import Stemmer

from benchmarks.colloquy import find_models, log_in, run_colloquy, upload
from src.config import DocumentSettings, OllamaSettings
from src.database import new_id
from src.documents.passages import compose_passage
from src.documents.ranking import FoundPassage, choose_passages
from src.documents.reading.extraction import extract
from src.documents.reading.reader import limit_reading
from src.documents.vectors.base import ChunkPoint, HybridQuery, Scope, SearchMode
from src.documents.vectors.engine import EdgeEngine
from src.documents.vectors.sparse import Bm25Weights, SparseEncoder
from src.llm.servers import open_servers
from src.llm.service import LLMService

_DATA = Path(__file__).parent / "data" / "xquad-en"
_MODES: Final[tuple[SearchMode, ...]] = ("dense", "sparse", "hybrid")
_LIMIT = 10
_HITS = 50
# With a title before it, it still fits the 512 tokens that small embedding models read.
_LONGEST = 1_750
_AT_ONCE = 8
_USER = new_id()
_ROOM = 3_000
_WIDTHS = (9, 9, 10, 8, 8, 9)
_HEAD = f"{'recall@1':>9}{'recall@5':>9}{'recall@10':>10}{'MRR@10':>8}{'nDCG@10':>8}{'in 3,000':>9}"


class Question(TypedDict):
    question: str
    answer: str
    document: str


@dataclass(frozen=True)
class Setting:
    """What can be chosen; the defaults are in force."""

    characters: int = DocumentSettings().chunk_characters
    overlap: int = DocumentSettings().chunk_overlap_characters
    dense_weight: float = 0.1
    weights: Bm25Weights = field(default_factory=Bm25Weights)
    hits: int = _HITS


ALTERNATIVES: Final = {
    "in force": Setting(),
    "800 characters, 100 shared": Setting(800, 100),
    "1,000 characters, 150 shared": Setting(1000, 150),
    "1,200 characters, 200 shared": Setting(1200, 200),
    "1,500 characters, 200 shared": Setting(1500, 200),
    "2,000 characters, 200 shared": Setting(2000, 200),
    "2,500 characters, 300 shared": Setting(2500, 300),
    "nothing shared": Setting(overlap=0),
    "a quarter shared": Setting(overlap=437),
    "30 hits": Setting(hits=30),
    "100 hits": Setting(hits=100),
    "dense side counts nothing": Setting(dense_weight=0.0),
    "dense side counts 0.3": Setting(dense_weight=0.3),
    "dense side counts 0.5": Setting(dense_weight=0.5),
    "dense side counts 1": Setting(dense_weight=1.0),
    "BM25 k 1.2, b 0.75": Setting(weights=Bm25Weights(k=1.2, b=0.75)),
    "BM25 k 1.2, b 0.4": Setting(weights=Bm25Weights(k=1.2)),
    "weak words count nothing": Setting(weights=Bm25Weights(weak=0.0)),
    "weak words count 0.25": Setting(weights=Bm25Weights(weak=0.25)),
    "weak words count 1": Setting(weights=Bm25Weights(weak=1.0)),
}


async def main() -> None:
    if sys.argv[1:] == ["alternatives"]:
        await compare_alternatives()
        return
    questions = read_questions()
    async with run_colloquy() as api_url, log_in(api_url) as http:
        models = (await http.get("/llm/status")).json()
        seconds = await upload(http, sorted((_DATA / "documents").glob("*.md")))
        print(f"48 documents ready after {seconds:.1f} s, embedded by", end=" ")
        print(models["embedding"]["model"])
        print(f"{'':30}{_HEAD}")
        for mode in _MODES:
            report(mode, questions, await measure(http, questions, mode))
        passages = await read_passages(http)
    report_reference(questions, passages)


def read_questions() -> list[Question]:
    lines = (_DATA / "questions.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def measure(
    http: httpx.AsyncClient, questions: Sequence[Question], mode: SearchMode
) -> list[list[FoundPassage]]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def find(question: Question) -> list[FoundPassage]:
        request = {"query": question["question"], "limit": _LIMIT, "mode": mode}
        async with slots:
            response = await http.post("/documents/search", json=request)
        assert response.is_success, response.text
        return [FoundPassage(**found, ordinal=0) for found in response.json()["passages"]]

    return await asyncio.gather(*map(find, questions))


async def read_passages(http: httpx.AsyncClient) -> list[FoundPassage]:
    """All that is indexed, as a search would find it."""
    passages: list[FoundPassage] = []
    for document in (await http.get("/documents", params={"limit": 100})).json()["items"]:
        url, query = f"/documents/{document['id']}/chunks", {"limit": 100}
        for chunk in (await http.get(url, params=query)).json()["items"]:
            placed = {name: chunk[name] for name in FoundPassage._fields if name in chunk}
            known = {"document_id": document["id"], "chunk_id": chunk["id"], "score": 0.0}
            named = {"title": document["title"], "filename": document["filename"]}
            passages.append(FoundPassage(**placed, **known, **named))
    return passages


def report_reference(questions: Sequence[Question], passages: Sequence[FoundPassage]) -> None:
    found = [*search_with_bm25s(passages, questions)]
    report("bm25s", questions, [row[:_LIMIT] for row in found])
    merged = [choose_passages(row, _LIMIT) for row in found]
    report("bm25s, merged as we do", questions, merged)


def search_with_bm25s(
    passages: Sequence[FoundPassage], questions: Sequence[Question]
) -> Iterator[list[FoundPassage]]:
    """With its own English stop words and the Snowball stemmer, in the same words as we index."""
    stem = Stemmer.Stemmer("english")
    texts = [compose_passage(p.title, p.heading, p.text) for p in passages]

    def tokenize(lines: list[str]) -> object:
        return bm25s.tokenize(lines, stopwords="en", stemmer=stem, show_progress=False)

    index = bm25s.BM25()
    index.index(tokenize(texts), show_progress=False)
    asked = tokenize([question["question"] for question in questions])
    places, _ = index.retrieve(asked, k=_HITS, show_progress=False)
    for row in places:
        yield [passages[place] for place in row]


async def compare_alternatives() -> None:
    questions = read_questions()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-")))
        models = await find_models(stack, folder)
        settings = OllamaSettings.model_validate(models)
        servers = await stack.enter_async_context(open_servers(settings, [models["url"]]))
        llm = LLMService(servers, servers, settings)
        queries = (await llm.embed_texts([q["question"] for q in questions], is_query=True)).vectors
        print(f"hybrid, {models['embed_model']:22}{_HEAD}")
        tried: dict[str, list[list[FoundPassage]]] = {}
        for number, (name, setting) in enumerate(ALTERNATIVES.items()):
            path = folder / str(number)
            tried[name] = await try_setting(path, setting, llm, questions, queries)
            report(name, questions, tried[name])
    report_reference(questions, await cut_documents(Setting()))
    fitting = [tried[name] for name, one in ALTERNATIVES.items() if one.characters <= _LONGEST]
    report("chosen by the other half", questions, choose_by_halves(questions, fitting))


def choose_by_halves(
    questions: Sequence[Question], tried: Sequence[list[list[FoundPassage]]]
) -> list[list[FoundPassage]]:
    """For each half of the documents, what the alternative found that is best for the other."""
    halves = {name: n % 2 for n, name in enumerate(sorted({q["document"] for q in questions}))}

    def measure_gain(found: Sequence[Sequence[FoundPassage]], half: int) -> float:
        pairs = zip(questions, found, strict=True)
        ranks = (rank(*pair) for pair in pairs if halves[pair[0]["document"]] == half)
        return sum(1 / math.log2(1 + place) for place in ranks if place is not None)

    first = max(tried, key=lambda found: measure_gain(found, 1))
    second = max(tried, key=lambda found: measure_gain(found, 0))
    best = (first, second)
    return [best[halves[q["document"]]][n] for n, q in enumerate(questions)]


async def try_setting(
    folder: Path,
    setting: Setting,
    llm: LLMService,
    questions: Sequence[Question],
    queries: Sequence[Sequence[float]],
) -> list[list[FoundPassage]]:
    passages = await cut_documents(setting)
    texts = [compose_passage(p.title, p.heading, p.text) for p in passages]
    vectors = await llm.embed_documents(texts)
    sparse, engine = SparseEncoder(setting.weights), EdgeEngine(folder)
    engine.claim()
    engine.create_collection("passages", len(vectors[0]))
    points = [
        ChunkPoint(p.chunk_id, _USER, p.document_id, (), vector, words)
        for p, vector, words in zip(
            passages, vectors, map(sparse.encode_document, texts), strict=True
        )
    ]
    engine.upsert("passages", points)
    known = {passage.chunk_id: passage for passage in passages}
    answers = []
    for question, vector in zip(questions, queries, strict=True):
        words = sparse.encode_query(question["question"])
        query = HybridQuery(vector, words, dense_weight=setting.dense_weight)
        hits = engine.search("passages", query, Scope(_USER), setting.hits)
        answers.append(choose_passages([known[hit.chunk_id] for hit in hits], _LIMIT))
    engine.close()
    return answers


async def cut_documents(setting: Setting) -> list[FoundPassage]:
    cutting = DocumentSettings(
        chunk_characters=setting.characters, chunk_overlap_characters=setting.overlap
    )
    limits = limit_reading(cutting)
    passages = []
    for path in sorted((_DATA / "documents").glob("*.md")):
        extraction = await extract(path.read_bytes(), "text/markdown", limits)
        document_id = new_id()
        for chunk in extraction.chunks:
            passage = FoundPassage(
                document_id=document_id,
                chunk_id=new_id(),
                title=path.stem,
                filename=path.name,
                heading=chunk.heading,
                page_first=None,
                page_last=None,
                ordinal=chunk.ordinal,
                start=chunk.start,
                end=chunk.end,
                text=chunk.text,
                score=0.0,
            )
            passages.append(passage)
    return passages


def rank(question: Question, passages: Sequence[FoundPassage]) -> int | None:
    for place, passage in enumerate(passages, 1):
        if passage.filename == question["document"] and question["answer"] in passage.text:
            return place
    return None


def fits(question: Question, passages: Sequence[FoundPassage]) -> bool:
    """Whether the answer is in the first passages, up to so many characters of them."""
    room = _ROOM
    for passage in passages:
        shown = passage._replace(text=passage.text[:room])
        if rank(question, [shown]):
            return True
        room -= len(shown.text)
    return False


def report(
    name: str, questions: Sequence[Question], answers: Sequence[Sequence[FoundPassage]]
) -> None:
    pairs = [*zip(questions, answers, strict=True)]
    ranks = [place for pair in pairs if (place := rank(*pair)) is not None]
    first, five, ten = (sum(place <= cutoff for place in ranks) for cutoff in (1, 5, 10))
    reciprocal = sum(1 / place for place in ranks)
    gain = sum(1 / math.log2(1 + place) for place in ranks)
    fitting = sum(fits(*pair) for pair in pairs)
    values = (first, five, ten, reciprocal, gain, fitting)
    row = "".join(
        f"{value / len(pairs):{width}.4f}" for value, width in zip(values, _WIDTHS, strict=True)
    )
    print(f"{name:30}{row}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
