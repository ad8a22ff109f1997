"""How long a search takes as the index grows: one's own part of it, and that of everybody else.

`python -m benchmarks.search [CHUNKS ...]`. Words and vectors are synthetic; the engine, PostgreSQL,
the model server and the service are real. `engine` is the bare call in this process, on a copy of
the index, in turns with the searches; `SQL` is the one query a search cannot do without, that for
the texts of the hits, on a bare connection; `floor` is three times the engine, the query, and the
model server's answer. Medians and p95, ms.
"""

import asyncio
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from uuid import UUID

import asyncpg
import numpy as np

from src.config import DatabaseSettings, DocumentSettings, OllamaSettings
from src.database import create_engine, migrate, new_id
from src.documents.search import CONFIRM, SearchQuery, SearchService
from src.documents.vectors.base import ChunkPoint, HybridQuery, Scope, VectorIndex
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.engine import EdgeEngine
from src.documents.vectors.sparse import SparseEncoder
from src.embedded import run_postgres
from src.embedded.models import run_offline_models
from src.llm.servers import open_servers
from src.llm.service import LLMService
from src.statements import Statements

_SIZES = (1_000, 10_000, 100_000)
_OWN = 1_000
_PER_DOCUMENT = 50
_BATCH = 500
_QUERIES = 200
_LIMIT = 10
_DEPTH = 50  # What the service asks for to find so many.
_SPARSE = SparseEncoder()
_RANDOM = random.Random(7)  # noqa: S311, it makes up words
_NUMBERS = np.random.default_rng(7)
_VOCABULARY = ["".join(_RANDOM.choices("abcdefghiklmnoprstuvw", k=7)) for _ in range(20_000)]
# Few words are frequent and many are rare, as in any language.
_FREQUENCIES = [1 / rank for rank in range(1, len(_VOCABULARY) + 1)]


@dataclass(frozen=True)
class Parts:
    database: asyncpg.Connection
    llm: LLMService
    statements: Statements
    folder: Path


async def main(sizes: Sequence[int]) -> None:
    async with AsyncExitStack() as stack:
        parts = await open_parts(stack)
        head = f"{'engine':>8}{'floor':>8}{'search':>8}{'p95':>8}{'ratio':>7}{'model':>7}{'SQL':>6}"
        print(f"{'chunks':>8} {'of':<14}{head}")
        for size in sizes:
            index = EdgeVectorIndex(parts.folder / str(size))
            owners = {"one of many": await add_user(parts), "one alone": await add_user(parts)}
            await fill(parts, index, owners["one of many"], _OWN)
            # What others have: as much as the second row's owner, who has everything else.
            await fill(parts, index, owners["one alone"], max(_OWN, size - _OWN))
            await index.close()
            copy = parts.folder / f"{size}-copy"
            await asyncio.to_thread(shutil.copytree, parts.folder / str(size), copy)
            bare = EdgeEngine(copy)
            bare.claim()
            for name, owner in owners.items():
                report(size, name, *await measure(parts, index, bare, owner))
            bare.close()
            await index.close()


def report(
    size: int,
    name: str,
    search: Sequence[float],
    bare: Sequence[float],
    model: Sequence[float],
    sql: Sequence[float],
) -> None:
    engine, embed, trip = map(statistics.median, (bare, model, sql))
    floor = 3 * engine + trip + embed
    median, p95 = statistics.median(search), statistics.quantiles(search, n=20)[18]
    print(
        f"{size:8} {name:<14}{engine:8.2f}{floor:8.2f}{median:8.2f}{p95:8.2f}{median / floor:7.2f}"
        f"{embed:7.2f}{trip:6.2f}",
        flush=True,
    )


async def measure(
    parts: Parts, index: VectorIndex, bare: EdgeEngine, user_id: UUID
) -> tuple[list[float], list[float], list[float], list[float]]:
    """In turns: a search, and the bare parts of the engine, the model and PostgreSQL."""
    collection = (await parts.llm.get_embedding_identity()).collection_name
    service = SearchService(parts.statements, index, _SPARSE, parts.llm, DocumentSettings())
    search, engine, model, sql = [], [], [], []
    for text in make_queries():
        search.append(await clock(service.search(SearchQuery(text, user_id, _LIMIT))))
        model.append(await clock(parts.llm.embed_query(text)))
        query = HybridQuery(await parts.llm.embed_query(text), _SPARSE.encode_query(text))
        began = perf_counter()
        hits = bare.search(collection, query, Scope(user_id), _DEPTH)
        engine.append((perf_counter() - began) * 1000)
        ids = [hit.chunk_id for hit in hits]
        values = {"ids": ids, "user_id": user_id, "document_ids": None, "tags": None}
        sql.append(await clock(parts.database.fetch(CONFIRM.sql, *CONFIRM.arrange(values))))
    return search[1:], engine[1:], model, sql


async def clock(work: Awaitable[object]) -> float:
    began = perf_counter()
    await work
    return (perf_counter() - began) * 1000


def make_queries() -> list[str]:
    words = random.Random(11)  # noqa: S311, the same for every row
    return [" ".join(words.choices(_VOCABULARY, _FREQUENCIES, k=8)) for _ in range(_QUERIES)]


async def fill(parts: Parts, index: VectorIndex, user_id: UUID, count: int) -> None:
    identity = await parts.llm.get_embedding_identity()
    await index.create_collection(identity.collection_name, identity.dimension)
    for start in range(0, count, _BATCH):
        texts = [" ".join(words) for words in make_passages(min(_BATCH, count - start))]
        document_ids = [new_id() for _ in range(-(-len(texts) // _PER_DOCUMENT))]
        owners = [document_ids[n // _PER_DOCUMENT] for n in range(len(texts))]
        ids = [new_id() for _ in texts]
        await add_rows(parts.database, user_id, identity.collection_name, document_ids)
        await add_chunks(parts.database, ids, owners, texts)
        vectors = _NUMBERS.standard_normal((len(texts), identity.dimension)).tolist()
        points = [
            ChunkPoint(point_id, user_id, owner, (), vector, _SPARSE.encode_document(text, "eng"))
            for point_id, owner, vector, text in zip(ids, owners, vectors, texts, strict=True)
        ]
        await index.upsert(identity.collection_name, points)


def make_passages(count: int) -> list[list[str]]:
    words = _RANDOM.choices(_VOCABULARY, _FREQUENCIES, k=150 * count)
    return [words[start : start + 150] for start in range(0, len(words), 150)]


async def add_user(parts: Parts) -> UUID:
    user_id = new_id()
    name = user_id.hex
    await parts.database.execute(
        "INSERT INTO users (id, username, username_key, email, email_key, password_hash, role,"
        " is_active) VALUES ($1, $2, $2, $2, $2, '-', 'user', true)",
        *(user_id, name),
    )
    return user_id


async def add_rows(
    database: asyncpg.Connection, user_id: UUID, collection: str, document_ids: Sequence[UUID]
) -> None:
    columns = ["id", "user_id", "title", "tags", "filename", "media_type", "size_bytes", "sha256"]
    columns += ["storage_key", "status", "collection", "chunks_done"]
    no_tags: list[str] = []
    rows = [
        (key, user_id, "t", no_tags, "f", "text/plain", 1, key.hex, key.hex, "ready", collection, 0)
        for key in document_ids
    ]
    await database.copy_records_to_table("documents", records=rows, columns=columns)


async def add_chunks(
    database: asyncpg.Connection, ids: Sequence[UUID], owners: Sequence[UUID], texts: Sequence[str]
) -> None:
    columns = ["id", "document_id", "ordinal", "text", "start", "end"]
    # Far apart, so that none are neighbours.
    rows = [
        (chunk_id, owner, 2 * n, text, 0, len(text))
        for n, (chunk_id, owner, text) in enumerate(zip(ids, owners, texts, strict=True))
    ]
    await database.copy_records_to_table("chunks", records=rows, columns=columns)


async def open_parts(stack: AsyncExitStack) -> Parts:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-")))
    url = await stack.enter_async_context(run_postgres(folder / "data"))
    await asyncio.to_thread(migrate, url)
    engine = create_engine(url, DatabaseSettings())
    stack.push_async_callback(engine.dispose)
    database = await asyncpg.connect(url.replace("+asyncpg", ""))
    stack.push_async_callback(database.close)
    models = await stack.enter_async_context(run_offline_models(folder / "models.log"))
    settings = OllamaSettings(url=models, embed_model="offline-embed")
    servers = await stack.enter_async_context(open_servers(settings, [models]))
    llm = LLMService(servers, servers, settings)
    return Parts(database, llm, Statements(engine), folder)


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]] or _SIZES))
