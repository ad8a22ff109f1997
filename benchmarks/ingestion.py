"""How fast documents become searchable, what it costs, and what others feel of it.

`python -m benchmarks.ingestion [PART OF A ROW'S NAME]`. Beside the pipeline stands its floor, in
the same run: all files read, then all passages embedded, then all points written, in batches of the
same size as the pipeline's and one after the other. Both have the machine to themselves for that,
take turns with files of the same kind, and have had one turn that does not count. Then such files
are sent while another process asks `/health/live` every 20 ms, and somebody else asks questions:
what they feel are the last two columns. Every figure is the median of the turns, the ratio that of
their ratios, but the p99 is that of all probes. Colloquy and the model server are processes of
their own.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import httpx
import psutil

from benchmarks.colloquy import find_models, log_in, send_files, wait_until_ready
from src.config import DocumentSettings, OllamaSettings, Settings
from src.documents.passages import compose_passage
from src.documents.reading.chunking import ExtractedChunk
from src.documents.reading.filetypes import detect_type
from src.documents.reading.reader import DocumentReader
from src.documents.vectors.base import ChunkPoint
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.llm.servers import open_servers
from src.llm.service import LLMService
from tests.fixtures.files import make_pdf
from tests.fixtures.processes import Colloquy, run_colloquy

_PROBE = """
import sys, time, http.client
host, path = sys.argv[1:]
connection = http.client.HTTPConnection(host, timeout=30)
while True:
    began = time.perf_counter()
    connection.request("GET", path)
    connection.getresponse().read()
    print(time.perf_counter() - began, flush=True)
    time.sleep(0.02)
"""
_IDLE_SECONDS = 10.0
_TURNS = 3
_BATCH = DocumentSettings().index_batch_size
_QUESTION_PAUSE_SECONDS = 0.2
_WORDS = ("river", "valley", "harbour", "winter", "engine", "market", "letter", "garden", "window")
_HEAD = f"{'':20}{'chunks':>7}{'upload':>8}{'seconds':>8}{'floor':>8}{'ratio':>7}"
_HEAD += f"{'chunks/s':>9}{'CPU':>7}{'floor':>7}{'MB':>6}{'reader':>7}{'live p99':>10}{'answer':>9}"


@dataclass
class Felt:
    """What others feel, in seconds: a probe of the process, and the first word of an answer."""

    probes: list[float]
    first_words: list[float]


@dataclass
class Turn:
    """What the pipeline took, and its floor; in seconds."""

    sent: float
    ready: float
    cpu: float
    floor: float
    floor_cpu: float


@dataclass
class Floor:
    """The parts that the pipeline is made of, with nothing around them."""

    reader: DocumentReader
    llm: LLMService
    vectors: EdgeVectorIndex

    async def work(self, paths: Sequence[Path]) -> tuple[float, float]:
        """Return the seconds and the CPU seconds of reading, embedding and writing."""
        identity = await self.llm.get_embedding_identity()
        await self.vectors.create_collection(identity.collection_name, identity.dimension)
        cpu, began = self.count_cpu(), perf_counter()
        texts = [
            compose_passage(path.stem, chunk.heading, chunk.text)
            for path in paths
            for chunk in await self._read(path)
        ]
        vectors = await self.llm.embed_documents(texts)
        seconds = perf_counter() - began
        points = make_points(texts, vectors)
        began = perf_counter()
        for start in range(0, len(points), _BATCH):
            await self.vectors.upsert(identity.collection_name, points[start : start + _BATCH])
        return seconds + perf_counter() - began, self.count_cpu() - cpu

    def count_cpu(self) -> float:
        me = psutil.Process()
        ours = ("src.documents.reading.process", "src.documents.vectors")
        parts = [c for c in me.children() if any(name in c.cmdline() for name in ours)]
        ended = me.cpu_times().children_user + me.cpu_times().children_system
        return float(ended + sum(map(count_cpu, [me, *parts])))

    async def _read(self, path: Path) -> list[ExtractedChunk]:
        content = await asyncio.to_thread(path.read_bytes)
        media_type = detect_type(content, path.name)
        async with self.reader.read(send(content), len(content), media_type) as reading:
            return [chunk async for batch in reading.chunks for chunk in batch]


async def main() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-bench-")))
        models = await find_models(stack, folder)
        floor = await open_floor(stack, models, folder)
        environment = {f"OLLAMA_{name.upper()}": value for name, value in models.items()}
        colloquy = await stack.enter_async_context(run_colloquy(folder / "data", **environment))
        http = await stack.enter_async_context(log_in(colloquy.api_url))
        await warm_up(http, floor, folder)
        idle = await feel(colloquy, http, asyncio.sleep(_IDLE_SECONDS))
        print(f"Idle: /health/live p99 {find_p99(idle.probes) * 1000:.1f} ms", end=", ")
        print(f"first word of an answer {find_median(idle.first_words) * 1000:.0f} ms")
        print("CPU: ms per chunk, without the model server's. The last two are multiples of idle.")
        print(_HEAD)
        for name, make in make_corpora(folder).items():
            if not sys.argv[1:] or sys.argv[1] in name:
                await report(colloquy, http, floor, name, make, idle)


async def warm_up(http: httpx.AsyncClient, floor: Floor, folder: Path) -> None:
    paths = make_texts(folder, 2, 1_000)
    await send_files(http, paths)
    await wait_until_ready(http)
    await floor.work(paths)


async def report(
    colloquy: Colloquy,
    http: httpx.AsyncClient,
    floor: Floor,
    name: str,
    make: Callable[[], list[Path]],
    idle: Felt,
) -> None:
    before = await count_chunks(http)
    await take_turn(colloquy, http, floor, make)
    chunks = await count_chunks(http) - before
    peaks = [0, 0]
    watching = asyncio.create_task(watch_memory(colloquy, peaks))
    turns = [await take_turn(colloquy, http, floor, make) for _ in range(_TURNS)]
    watching.cancel()
    felt = [await feel(colloquy, http, ingest(http, make())) for _ in range(_TURNS)]
    live = find_p99([probe for one in felt for probe in one.probes]) / find_p99(idle.probes)
    answer = find_median(w for one in felt for w in one.first_words) / find_median(idle.first_words)
    ready = find_median(turn.ready for turn in turns)
    print(
        f"{name:20}{chunks:7}{find_median(turn.sent for turn in turns):8.2f}{ready:8.2f}"
        f"{find_median(turn.floor for turn in turns):8.2f}"
        f"{find_median(turn.ready / turn.floor for turn in turns):7.2f}{chunks / ready:9.0f}"
        f"{find_median(turn.cpu for turn in turns) * 1000 / chunks:7.2f}"
        f"{find_median(turn.floor_cpu for turn in turns) * 1000 / chunks:7.2f}"
        f"{peaks[0] / 2**20:6.0f}{peaks[1] / 2**20:7.0f}{live:10.1f}{answer:9.2f}",
        flush=True,
    )


async def take_turn(
    colloquy: Colloquy, http: httpx.AsyncClient, floor: Floor, make: Callable[[], list[Path]]
) -> Turn:
    least, least_cpu = await floor.work(make())
    cpu = count_cpu_of(colloquy)
    sent, ready = await ingest(http, make())
    return Turn(sent, ready, count_cpu_of(colloquy) - cpu, least, least_cpu)


async def ingest(http: httpx.AsyncClient, paths: Sequence[Path]) -> tuple[float, float]:
    """Return the seconds until all files are sent, and until the last became ready."""
    began = datetime.now(UTC)
    for start in range(0, len(paths), 100):
        await send_files(http, [*paths[start : start + 100]])
    sent = datetime.now(UTC) - began
    await wait_until_ready(http)
    last = await http.get("/documents", params={"sort": "-updated_at", "limit": 1})
    ended = datetime.fromisoformat(last.json()["items"][0]["updated_at"])
    return sent.total_seconds(), (ended - began).total_seconds()


async def feel(colloquy: Colloquy, http: httpx.AsyncClient, work: Awaitable[object]) -> Felt:
    """Return what others felt while the work was done."""
    host = colloquy.url.removeprefix("http://")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROBE, host, "/health/live"), stdout=asyncio.subprocess.PIPE
    )
    first_words: list[float] = []
    asking = asyncio.create_task(ask_on(http, first_words))
    await work
    asking.cancel()
    process.kill()
    output, _ = await process.communicate()
    return Felt([float(line) for line in output.split()], first_words)


async def ask_on(http: httpx.AsyncClient, first_words: list[float]) -> None:
    while True:
        question = {"query": f"Which {_WORDS[len(first_words) % 9]} is near the harbour?"}
        began = perf_counter()
        async with http.stream("POST", "/chat/query/stream", json=question) as response:
            async for line in response.aiter_lines():
                if line == "event: answer.delta":
                    first_words.append(perf_counter() - began)
                    break
            await response.aread()
        await asyncio.sleep(_QUESTION_PAUSE_SECONDS)


async def watch_memory(colloquy: Colloquy, peaks: list[int]) -> None:
    """Keep the most that the server, and that any one reader of files, had resident."""
    server = psutil.Process(colloquy.process.pid)
    while True:
        peaks[0] = max(peaks[0], server.memory_info().rss)
        for child in server.children():
            try:
                if "src.documents.reading.process" in child.cmdline():
                    peaks[1] = max(peaks[1], child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        await asyncio.sleep(0.05)


def count_cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def count_cpu_of(colloquy: Colloquy) -> float:
    """The server with all its children, those that ended included."""
    me = psutil.Process(colloquy.process.pid)
    family = [me, *me.children(recursive=True)]
    ended = sum(p.cpu_times().children_user + p.cpu_times().children_system for p in family)
    return ended + sum(map(count_cpu, family))


async def count_chunks(http: httpx.AsyncClient) -> int:
    total, cursor = 0, None
    while True:
        params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/documents", params=params)).json()
        assert all(document["status"] == "ready" for document in page["items"])
        total += sum(int(document["chunks_total"]) for document in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return total


async def open_floor(stack: AsyncExitStack, models: dict[str, str], folder: Path) -> Floor:
    settings = OllamaSettings.model_validate(models)
    reader, vectors = DocumentReader(Settings().documents), EdgeVectorIndex(folder / "floor")
    stack.push_async_callback(reader.close)
    stack.push_async_callback(vectors.close)
    servers = await stack.enter_async_context(open_servers(settings, [models["url"]]))
    return Floor(reader, LLMService(servers, servers, settings), vectors)


def make_points(texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> list[ChunkPoint]:
    sparse, user_id, document_id = SparseEncoder(), uuid4(), uuid4()
    return [
        ChunkPoint(uuid4(), user_id, document_id, (), vector, sparse.encode_document(text))
        for text, vector in zip(texts, vectors, strict=True)
    ]


def make_corpora(folder: Path) -> dict[str, Callable[[], list[Path]]]:
    """Files that are new each time they are made."""
    return {
        "a text of 1.5 MB": partial(make_texts, folder, 1, 1_500_000),
        "a text of 6 MB": partial(make_texts, folder, 1, 6_000_000),
        "a PDF of 200 pages": partial(make_book, folder),
        "500 small files": partial(make_texts, folder, 500, 2_000),
    }


def make_book(folder: Path) -> list[Path]:
    path = folder / f"{uuid4().hex}.pdf"
    pages = (make_lines(f"{path.stem} page {n}", 3_000, "\n") for n in range(200))
    path.write_bytes(make_pdf([*pages]))
    return [path]


def make_texts(folder: Path, count: int, size_bytes: int) -> list[Path]:
    paths = [folder / f"{uuid4().hex}.txt" for _ in range(count)]
    for path in paths:
        path.write_text(make_lines(path.stem, size_bytes, "\n\n"))
    return paths


def make_lines(name: str, size_bytes: int, separator: str) -> str:
    """Sentences that differ, so that no vector is remembered from the passage before."""
    words = (f"The {_WORDS[n % 9]} near the {_WORDS[n * 7 % 9]}" for n in range(10**9))
    lines: list[str] = []
    size = 0
    while size < size_bytes:
        lines.append(f"{next(words)} of {name} on day {len(lines)}.")
        size += len(lines[-1]) + len(separator)
    return separator.join(lines)


def find_median(values: Iterable[float]) -> float:
    return statistics.median(values)


def find_p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


async def send(content: bytes) -> AsyncGenerator[bytes]:
    yield content


if __name__ == "__main__":
    asyncio.run(main())
