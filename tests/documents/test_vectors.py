"""One contract, held by every engine that can keep vectors."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from qdrant_client import AsyncQdrantClient

from src.config import QdrantSettings
from src.documents.exceptions import UnknownCollectionError, VectorsUnavailableError
from src.documents.vectors.base import (
    ChunkPoint,
    HybridQuery,
    Scope,
    SearchMode,
    SparseVector,
    VectorIndex,
)
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.server import ServerVectorIndex, create_qdrant_client
from src.documents.vectors.sparse import SparseEncoder
from tests.fixtures.processes import find_free_port

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant")

LIVE_URL = os.environ.get("QDRANT_LIVE_URL")
MODES: tuple[SearchMode, ...] = ("hybrid", "dense", "sparse")
TEXTS = (
    "The harbour freezes in January and ships wait outside.",
    "Bees dance to tell each other where flowers are.",
    "The treaty was signed by eleven kings in the harbour town.",
    "A bicycle stays upright because it steers into the fall.",
    "Kings once paid for maps with land.",
)
ANGLES = ((1.0, 0.1, 0.0), (0.0, 1.0, 0.1), (0.8, 0.3, 0.2), (0.1, 0.0, 1.0), (0.5, 0.5, 0.4))
ENCODER = SparseEncoder()


@pytest.fixture(
    scope="module",
    params=[
        "edge",
        "memory",
        pytest.param("live", marks=pytest.mark.skipif(not LIVE_URL, reason="no QDRANT_LIVE_URL")),
    ],
)
async def index(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[VectorIndex]:
    made: VectorIndex
    if request.param == "edge":
        made = EdgeVectorIndex(tmp_path_factory.mktemp("edge"))
    elif request.param == "memory":
        made = ServerVectorIndex(AsyncQdrantClient(":memory:"))
    else:
        made = ServerVectorIndex(create_qdrant_client(QdrantSettings(url=LIVE_URL)))
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def collection(index: VectorIndex) -> str:
    """One for all tests: they are tenants, and must not notice each other."""
    name = f"test_{uuid4().hex}"
    await index.create_collection(name, 3)
    return name


def make_points(
    user_id: UUID, document_id: UUID | None = None, tags: tuple[str, ...] = ()
) -> list[ChunkPoint]:
    return [
        ChunkPoint(
            uuid4(), user_id, document_id or uuid4(), tags, angle, ENCODER.encode_document(text)
        )
        for text, angle in zip(TEXTS, ANGLES, strict=True)
    ]


def ask(text: str, mode: SearchMode = "hybrid") -> HybridQuery:
    return HybridQuery((1.0, 0.2, 0.1), ENCODER.encode_query(text), mode)


async def find(index: VectorIndex, collection: str, query: HybridQuery, scope: Scope) -> list[UUID]:
    return [hit.chunk_id for hit in await index.search(collection, query, scope, 10)]


async def test_creating_a_collection_twice_keeps_its_points(
    index: VectorIndex, collection: str
) -> None:
    user_id = uuid4()
    await index.upsert(collection, make_points(user_id))
    await index.create_collection(collection, 3)
    assert collection in await index.list_collections()
    assert await index.count(collection, Scope(user_id)) == len(TEXTS)


async def test_each_mode_ranks_by_its_own_side(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    points = make_points(user_id)
    await index.upsert(collection, points)
    ids = [point.chunk_id for point in points]
    dense, sparse, hybrid = [
        await find(index, collection, ask("what do bees tell?", mode), Scope(user_id))
        for mode in ("dense", "sparse", "hybrid")
    ]
    assert dense[0] == ids[0]
    assert sparse[0] == ids[1]
    assert hybrid[0] == ids[1]
    assert set(hybrid) == set(ids)


async def test_what_the_dense_side_weighs_counts_beside_the_other_only(
    index: VectorIndex, collection: str
) -> None:
    user_id = uuid4()
    await index.upsert(collection, make_points(user_id))

    async def search(mode: SearchMode, weight: float) -> list[UUID]:
        query = replace(ask("what do bees tell?", mode), dense_weight=weight)
        return await find(index, collection, query, Scope(user_id))

    assert await search("dense", 0) == await search("dense", 1) != []
    assert await search("hybrid", 0) == await search("sparse", 0) != []


async def test_the_limit_is_kept_and_scores_fall(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    await index.upsert(collection, make_points(user_id))
    hits = await index.search(collection, ask("kings in the harbour"), Scope(user_id), 3)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize("mode", MODES)
async def test_nobody_finds_the_passages_of_others(
    index: VectorIndex, collection: str, mode: SearchMode
) -> None:
    owner, stranger = uuid4(), uuid4()
    points = make_points(owner)
    await index.upsert(collection, points)
    query = ask("harbour kings", mode)
    assert await find(index, collection, query, Scope(stranger)) == []
    foreign = Scope(stranger, (points[0].document_id,))
    assert await find(index, collection, query, foreign) == []
    assert await index.count(collection, Scope(stranger)) == 0


async def test_passages_of_others_do_not_shift_scores(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    await index.upsert(collection, make_points(user_id))
    query = ask("kings in the harbour", "sparse")
    before = await index.search(collection, query, Scope(user_id), 5)
    for _ in range(3):
        await index.upsert(collection, make_points(uuid4()))
    after = await index.search(collection, query, Scope(user_id), 5)
    assert [hit.chunk_id for hit in after] == [hit.chunk_id for hit in before]
    assert [hit.score for hit in after] == pytest.approx([hit.score for hit in before])


@pytest.mark.parametrize("mode", MODES)
async def test_documents_and_tags_narrow_the_scope(
    index: VectorIndex, collection: str, mode: SearchMode
) -> None:
    user_id, document_id = uuid4(), uuid4()
    work = make_points(user_id, document_id, ("work", "north"))
    home = make_points(user_id, tags=("home",))
    await index.upsert(collection, [*work, *home])
    query = ask("harbour kings bees", mode)

    async def find_in(
        document_ids: tuple[UUID, ...] | None = None, tags: tuple[str, ...] | None = None
    ) -> set[UUID]:
        return set(await find(index, collection, query, Scope(user_id, document_ids, tags)))

    at_work, at_home = {p.chunk_id for p in work}, {p.chunk_id for p in home}
    assert await find_in((document_id,)) <= at_work
    assert await find_in((document_id,))
    assert await find_in(tags=("north",)) <= at_work
    assert await find_in(tags=("home",)) <= at_home
    assert await find_in(tags=("home", "work")) == await find_in()
    assert await find_in((document_id,), ("home",)) == set()


async def test_an_empty_choice_allows_nothing(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    await index.upsert(collection, make_points(user_id))
    for scope in (Scope(user_id, document_ids=()), Scope(user_id, tags=())):
        assert await find(index, collection, ask("harbour"), scope) == []
        assert await index.count(collection, scope) == 0


async def test_upserting_again_replaces(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    points = make_points(user_id)
    await index.upsert(collection, [])
    await index.upsert(collection, points)
    await index.upsert(collection, points)
    assert await index.count(collection, Scope(user_id)) == len(points)


async def test_tags_can_change(index: VectorIndex, collection: str) -> None:
    user_id, document_id = uuid4(), uuid4()
    await index.upsert(collection, make_points(user_id, document_id, ("old",)))
    await index.update_tags(collection, uuid4(), document_id, ("stolen",))
    await index.update_tags(collection, user_id, document_id, ("new",))
    counts = [
        await index.count(collection, Scope(user_id, tags=(tag,)))
        for tag in ("old", "stolen", "new")
    ]
    assert counts == [0, 0, len(TEXTS)]


async def test_a_deleted_document_is_gone_and_others_stay(
    index: VectorIndex, collection: str
) -> None:
    user_id, document_id = uuid4(), uuid4()
    await index.upsert(collection, make_points(user_id, document_id))
    kept = make_points(user_id)
    await index.upsert(collection, kept)
    await index.delete_document(collection, uuid4(), document_id)
    assert await index.count(collection, Scope(user_id)) == 2 * len(TEXTS)
    await index.delete_document(collection, user_id, document_id)
    assert await index.count(collection, Scope(user_id, (document_id,))) == 0
    found = await find(index, collection, ask("harbour"), Scope(user_id))
    assert set(found) == {point.chunk_id for point in kept}


async def test_a_deleted_user_is_gone_and_others_stay(index: VectorIndex, collection: str) -> None:
    user_id, other_id = uuid4(), uuid4()
    await index.upsert(collection, [*make_points(user_id), *make_points(user_id)])
    await index.upsert(collection, make_points(other_id))
    await index.delete_user(collection, user_id)
    assert await index.count(collection, Scope(user_id)) == 0
    assert await index.count(collection, Scope(other_id)) == len(TEXTS)
    await index.delete_user("nowhere", user_id)


async def test_an_unknown_collection_is_empty_but_not_writable(index: VectorIndex) -> None:
    scope = Scope(uuid4())
    assert await index.search("nowhere", ask("harbour"), scope, 5) == []
    assert await index.count("nowhere", scope) == 0
    await index.delete_document("nowhere", uuid4(), uuid4())
    await index.update_tags("nowhere", uuid4(), uuid4(), ("a",))
    with pytest.raises(UnknownCollectionError):
        await index.upsert("nowhere", make_points(uuid4()))


async def test_a_query_of_stop_words_is_answered_by_the_dense_side(
    index: VectorIndex, collection: str
) -> None:
    user_id = uuid4()
    points = make_points(user_id)
    await index.upsert(collection, points)
    assert not ENCODER.encode_query("what is the").indices
    hybrid = await find(index, collection, ask("what is the"), Scope(user_id))
    assert hybrid[0] == points[0].chunk_id
    assert await find(index, collection, ask("what is the", "sparse"), Scope(user_id)) == []


async def test_a_vector_of_the_wrong_size_is_refused(index: VectorIndex, collection: str) -> None:
    point = ChunkPoint(uuid4(), uuid4(), uuid4(), (), (1.0, 0.0), SparseVector((), ()))
    with pytest.raises(VectorsUnavailableError):
        await index.upsert(collection, [point])


async def test_searches_go_on_while_others_write(index: VectorIndex, collection: str) -> None:
    user_id = uuid4()
    first = make_points(user_id)
    await index.upsert(collection, first)

    async def write() -> None:
        for _ in range(20):
            await index.upsert(collection, make_points(uuid4()) * 20)

    async def read() -> None:
        for _ in range(40):
            assert set(await find(index, collection, ask("harbour"), Scope(user_id))) == {
                point.chunk_id for point in first
            }

    await asyncio.gather(write(), read(), read())


async def test_check_passes_when_the_engine_answers(index: VectorIndex, collection: str) -> None:
    assert collection
    await index.check()


async def test_both_engines_rank_alike(tmp_path: Path) -> None:
    points = make_random_points(40)
    scope = Scope(points[0].user_id)
    rankings = []
    for index in (
        EdgeVectorIndex(tmp_path),
        ServerVectorIndex(AsyncQdrantClient(":memory:")),
    ):
        await index.create_collection("same", 3)
        await index.upsert("same", points)
        found = [
            await index.search("same", HybridQuery((1.0, 0.2, 0.1), RANDOM_QUERY, mode), scope, 40)
            for mode in MODES
        ]
        # Fused ranks can tie, and no engine promises an order among equals.
        rankings.append([sorted((round(h.score, 4), h.chunk_id) for h in hits) for hits in found])
        await index.close()
    assert rankings[0] == rankings[1]


RANDOM_QUERY = SparseVector([0, 3, 7], [1.0, 1.0, 1.0])


def make_random_points(count: int) -> list[ChunkPoint]:
    dice = random.Random(7)  # noqa: S311 - repeatable test data
    return [
        ChunkPoint(
            UUID(int=number + 1),
            UUID(int=1),
            UUID(int=2),
            (),
            [dice.gauss(0, 1) for _ in range(3)],
            SparseVector(dice.sample(range(20), 8), [dice.random() for _ in range(8)]),
        )
        for number in range(count)
    ]


async def test_edge_keeps_its_points_when_reopened(tmp_path: Path) -> None:
    user_id = uuid4()
    points = make_points(user_id)
    first = EdgeVectorIndex(tmp_path)
    await first.create_collection("kept", 3)
    await first.upsert("kept", points)
    expected = await find(first, "kept", ask("harbour"), Scope(user_id))
    await first.close()
    second = EdgeVectorIndex(tmp_path)
    assert await second.list_collections() == ["kept"]
    found = await find(second, "kept", ask("harbour"), Scope(user_id))
    assert set(found) == set(expected)  # Hits of equal score have no order.
    await second.close()


async def test_edge_clears_away_deleted_points_when_reopened(tmp_path: Path) -> None:
    user_id, document_id = uuid4(), uuid4()
    first = EdgeVectorIndex(tmp_path)
    await first.create_collection("thinned", 3)
    many = [point for _ in range(300) for point in make_points(user_id, document_id)]
    kept = make_points(user_id)
    await first.upsert("thinned", [*many, *kept])
    await first.delete_document("thinned", user_id, document_id)
    await first.close()
    second = EdgeVectorIndex(tmp_path)
    await second.check()
    found = await find(second, "thinned", ask("harbour"), Scope(user_id))
    assert set(found) == {point.chunk_id for point in kept}
    await second.close()


async def test_edge_forgets_a_collection_that_was_never_finished(tmp_path: Path) -> None:
    (tmp_path / "cut.unfinished" / "segments").mkdir(parents=True)
    index = EdgeVectorIndex(tmp_path)
    assert await index.list_collections() == []
    await index.create_collection("cut", 3)
    await index.upsert("cut", make_points(uuid4()))
    assert await index.list_collections() == ["cut"]
    await index.close()


ENGINE_CHILD = """
import sys
from pathlib import Path
from uuid import UUID
from src.documents.vectors.base import ChunkPoint, SparseVector
from src.documents.vectors.engine import EdgeEngine

engine = EdgeEngine(Path(sys.argv[1]))
engine.claim()
engine.create_collection("child", 3)
for number in range(1, 10_000):
    sparse = SparseVector([1], [1.0])
    point = ChunkPoint(UUID(int=number), UUID(int=1), UUID(int=2), (), (1.0, 0.0, 0.0), sparse)
    engine.upsert("child", [point])
    print(number, flush=True)
"""
INDEX_CHILD = """
import asyncio, sys
from pathlib import Path
from src.documents.vectors.edge import EdgeVectorIndex

async def main():
    index = EdgeVectorIndex(Path(sys.argv[1]))
    await index.create_collection("child", 3)
    print(1, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def start_child(script: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    )


def read_acknowledged(child: subprocess.Popen[str], count: int) -> int:
    assert child.stdout is not None
    return int([child.stdout.readline() for _ in range(count)][-1])


async def test_edge_loses_no_acknowledged_point_to_a_kill(tmp_path: Path) -> None:
    with start_child(ENGINE_CHILD, tmp_path) as child:
        acknowledged = await asyncio.to_thread(read_acknowledged, child, 50)
        child.send_signal(signal.SIGKILL)
    index = EdgeVectorIndex(tmp_path)
    assert await index.count("child", Scope(UUID(int=1))) >= acknowledged
    await index.close()


async def test_edge_refuses_a_second_process_and_leaves_the_first_alone(tmp_path: Path) -> None:
    index = EdgeVectorIndex(tmp_path)
    with start_child(ENGINE_CHILD, tmp_path) as child:
        await asyncio.to_thread(read_acknowledged, child, 1)
        with pytest.raises(VectorsUnavailableError, match="QDRANT_URL"):
            await index.check()
        acknowledged = await asyncio.to_thread(read_acknowledged, child, 50)
        child.kill()
    await index.check()
    assert await index.count("child", Scope(UUID(int=1))) >= acknowledged
    await index.close()


async def test_edge_starts_again_right_after_its_server_was_killed(tmp_path: Path) -> None:
    with start_child(INDEX_CHILD, tmp_path) as child:
        await asyncio.to_thread(read_acknowledged, child, 1)
        child.kill()
    index = EdgeVectorIndex(tmp_path)
    assert await index.list_collections() == ["child"]
    await index.close()


async def test_edge_survives_the_death_of_its_process(tmp_path: Path) -> None:
    index = EdgeVectorIndex(tmp_path)
    user_id = uuid4()
    await index.create_collection("kept", 3)
    await index.upsert("kept", make_points(user_id))
    os.kill(int((tmp_path / "lock").read_text()), signal.SIGKILL)
    with contextlib.suppress(VectorsUnavailableError):
        await index.check()
    assert await index.count("kept", Scope(user_id)) == len(TEXTS)
    await index.close()


async def test_edge_answers_a_search_before_writes_that_wait(tmp_path: Path) -> None:
    index, user_id = EdgeVectorIndex(tmp_path), uuid4()
    await index.create_collection("kept", 3)
    await index.upsert("kept", make_points(user_id))
    engine = int((tmp_path / "lock").read_text())
    os.kill(engine, signal.SIGSTOP)
    order: list[str] = []

    async def note(name: str, work: Awaitable[object]) -> None:
        await work
        order.append(name)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(note("write", index.upsert("kept", make_points(user_id))))
        for _ in range(5):
            await asyncio.sleep(0)  # The first write is on its way now.
        tasks.create_task(note("search", find(index, "kept", ask("harbour"), Scope(user_id))))
        for _ in range(5):
            await asyncio.sleep(0)
        os.kill(engine, signal.SIGCONT)
    assert order == ["write", "search", "write", "write"]
    await index.close()


async def test_edge_answers_on_after_a_caller_went_away(tmp_path: Path) -> None:
    index = EdgeVectorIndex(tmp_path)
    await index.create_collection("kept", 3)
    user_id = uuid4()
    impatient = [asyncio.create_task(index.upsert("kept", make_points(user_id))) for _ in range(3)]
    await asyncio.sleep(0)
    for task in impatient:
        task.cancel()
    await asyncio.gather(*impatient, return_exceptions=True)
    assert await index.list_collections() == ["kept"]
    assert await find(index, "kept", ask("harbour"), Scope(user_id))
    await index.close()


async def test_edge_leaves_the_event_loop_free(tmp_path: Path) -> None:
    index = EdgeVectorIndex(tmp_path)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.create_task(count())
    await index.create_collection("kept", 3)
    counter.cancel()
    await index.close()
    assert turns > 100


async def test_edge_says_when_its_folder_cannot_be_made(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    index = EdgeVectorIndex(blocked / "qdrant")
    with pytest.raises(VectorsUnavailableError):
        await index.create_collection("c", 3)
    await index.close()


@pytest.mark.parametrize("prefer_grpc", [True, False])
async def test_a_server_that_is_down_is_unavailable(
    *,
    prefer_grpc: bool,
) -> None:
    url = f"http://127.0.0.1:{find_free_port()}"
    client = create_qdrant_client(QdrantSettings(url=url, prefer_grpc=prefer_grpc))
    index = ServerVectorIndex(client)
    with pytest.raises(VectorsUnavailableError):
        await index.check()
    with pytest.raises(VectorsUnavailableError):
        await index.search("c", ask("harbour"), Scope(uuid4()), 5)
    await index.close()


def test_sparse_vectors_match_on_stems_and_ignore_stop_words() -> None:
    query = ENCODER.encode_query("the freezing of a harbour")
    shared = set(query.indices) & set(ENCODER.encode_document(TEXTS[0]).indices)
    assert len(query.indices) == len(shared) == 2
    assert ENCODER.encode_query("") == SparseVector([], [])
    assert ENCODER.encode_query("café") == ENCODER.encode_query("cafe")
