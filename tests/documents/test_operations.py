"""What an operator does: index anew after a change of the model, and find what does not agree."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.responses import JSONResponse

from src.config import Settings
from src.documents.reconciler import Findings
from src.documents.search import CONFIRM
from src.documents.vectors.base import ChunkPoint
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.sparse import SparseEncoder
from src.llm.offline.app import create_offline_app
from src.llm.offline.embedding import DIMENSION
from src.llm.offline.library import OfflineModel
from src.main import create_app
from src.operations import reindex, verify, work
from tests.fixtures.gates import connect
from tests.fixtures.models import POISON, MoodyModel, run_moody_api
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, User, sign_up


@asynccontextmanager
async def run_api(settings: Settings) -> AsyncIterator[User]:
    async with run_server(create_app(settings)) as server, sign_up(server.api_url) as user:
        yield user


@asynccontextmanager
async def run_two(settings: Settings) -> AsyncIterator[tuple[User, User]]:
    async with (
        run_server(create_app(settings)) as server,
        sign_up(server.api_url) as one,
        sign_up(server.api_url) as other,
    ):
        yield one, other


@asynccontextmanager
async def come_back(settings: Settings, user: User) -> AsyncIterator[User]:
    headers = {"Authorization": f"Bearer {user.token}"}
    async with (
        run_server(create_app(settings)) as server,
        httpx.AsyncClient(
            base_url=server.api_url, headers=headers, trust_env=False, timeout=100
        ) as http,
    ):
        yield User(user.id, user.username, user.token, http)


def use_model(settings: Settings, ollama: LoopbackServer, name: str) -> Settings:
    changed = settings.ollama.model_copy(update={"url": ollama.url, "embed_model": name})
    return settings.model_copy(update={"ollama": changed})


@pytest.fixture
async def two_models() -> AsyncIterator[LoopbackServer]:
    """A model server with a second model that embeds, of another digest."""
    other = OfflineModel("other-embed:latest", "embedding", 2048, ("embedding.py", "tokens.py"))
    app = create_offline_app(faults=(other,), token_delay_seconds=0)
    async with run_server(app) as server:
        yield server


async def test_a_changed_model_never_leaves_searches_without_answers(
    own: Settings, two_models: LoopbackServer
) -> None:
    before = use_model(own, two_models, "offline-embed")
    after = use_model(own, two_models, "other-embed")
    async with run_api(before) as user:
        await user.add_document("The lighthouse of Alexandria stood on Pharos.", "a.txt")
        await user.add_document("Bees dance to tell where the flowers are.", "b.txt")
    async with come_back(after, user) as same:
        assert [p["filename"] for p in await same.search("lighthouse of Pharos")] == ["a.txt"]
    reports: list[tuple[int, int]] = []
    await reindex(after, lambda done, total: reports.append((done, total)))
    assert (reports[0], reports[-1]) == ((0, 2), (2, 2))
    async with come_back(after, user) as same:
        for mode in ("dense", "sparse", "hybrid"):
            found = await same.search("lighthouse of Pharos", mode=mode)
            assert found[0]["filename"] == "a.txt", mode
        assert {d["status"] for d in (await same.http.get("/documents")).json()["items"]} == {
            "ready"
        }
    assert await verify(after, mend=False) == Findings()
    index = EdgeVectorIndex(after.data_dir / "qdrant")
    assert len(await index.list_collections()) == 1
    await index.close()


async def test_what_does_not_agree_is_found_and_mended(own: Settings) -> None:
    async with run_api(own) as user:
        document = await user.add_document("The lighthouse of Alexandria.", "a.txt")
        lost = await user.add_document("Bees dance for flowers.", "b.txt")
        stuck = await user.add_document("Nobody remembers this one.", "c.txt")
    assert await verify(own, mend=False) == Findings()
    folder = own.data_dir / "files" / user.id
    (folder / lost["id"]).unlink()
    stray = folder / str(uuid4())
    stray.write_text("nobody's")
    os.utime(stray, (time.time() - 172_800,) * 2)
    await damage_index(own, UUID(user.id), UUID(document["id"]))
    url = own.database.url
    assert url is not None
    admin = await connect(url.get_secret_value())
    await admin.execute("UPDATE document_usage SET documents = 7")
    await admin.execute("UPDATE documents SET status = 'processing' WHERE id = $1", stuck["id"])

    expected = Findings(
        stale_points=1,
        unused_collections=1,
        incomplete_documents=1,
        stuck_documents=1,
        stray_files=1,
        missing_files=1,
        wrong_totals=1,
    )
    assert await verify(own, mend=False) == expected
    assert await verify(own, mend=True) == expected
    stopping = asyncio.Event()
    working = asyncio.create_task(work(own, stopping))
    idle = own.model_copy(
        update={"documents": own.documents.model_copy(update={"worker_concurrency": 0})}
    )
    while await admin.fetchval("SELECT count(*) FROM pgqueuer"):
        await asyncio.sleep(0.05)
    await admin.close()
    stopping.set()
    await working
    assert await verify(own, mend=False) == Findings(missing_files=1)
    async with come_back(idle, user) as same:
        assert len(await same.search("lighthouse", mode="sparse")) == 1


async def damage_index(settings: Settings, user_id: UUID, document_id: UUID) -> None:
    """As a restored backup might: one document is not there, one that never was is."""
    index = EdgeVectorIndex(settings.data_dir / "qdrant")
    (name,) = await index.list_collections()
    await index.delete_document(name, user_id, document_id)
    sparse = SparseEncoder().encode_document("stale words")
    await index.create_collection("chunks_of_nobody", 3)
    dense = [1.0, *[0.0] * (DIMENSION - 1)]
    point = ChunkPoint(uuid4(), user_id, uuid4(), (), dense, sparse)
    await index.upsert(name, [point])
    await index.close()


async def test_a_passage_without_a_vector_is_found_by_its_words(own: Settings) -> None:
    async with run_moody_api(own, MoodyModel()) as (_, user):
        document = await user.add_document(f"{POISON} harbour " * 20, "a.txt")
        assert (document["chunks_skipped"], document["status_code"]) == (1, "passages_skipped")
        assert await user.search("harbour", mode="sparse")
        (chunk,) = (await user.http.get(f"/documents/{document['id']}/chunks")).json()["items"]
        assert chunk["issue_code"] == "llm_failed"


async def test_one_bad_file_among_short_ones_spoils_none(own: Settings) -> None:
    texts = [f"Harbour {n} is deep." for n in range(20)] + [f"{POISON} harbour " * 20]
    async with run_moody_api(own, MoodyModel()) as (_, user):
        documents = await upload_texts(user, *texts)
        ready = [await user.wait_for(document["id"]) for document in documents]
    codes = [document["status_code"] for document in ready]
    assert codes == [None] * 20 + ["passages_skipped"]
    assert await verify(own, mend=False) == Findings()


async def test_a_row_that_somebody_holds_delays_only_its_document(own: Settings) -> None:
    """As somebody does who deletes an account, and so has rows that ingestion wants."""
    limits = own.documents.model_copy(update={"worker_concurrency": 0})
    async with run_api(own.model_copy(update={"documents": limits})) as user:
        held, *others = await upload_texts(user, *(f"Harbour {n} is deep." for n in range(20)))
    assert own.database.url is not None
    admin = await connect(own.database.url.get_secret_value())
    async with come_back(own, user) as same:
        async with admin.transaction():
            await admin.execute("SELECT FROM documents WHERE id = $1 FOR UPDATE", held["id"])
            for document in others:
                await same.wait_for(document["id"])
            found = (await same.http.get(f"/documents/{held['id']}")).json()
            assert found["status"] == "pending"
        await same.wait_for(held["id"])
    await admin.close()


async def upload_texts(user: User, *texts: str) -> list[JSON]:
    response = await user.upload(*((f"{n}.txt", text.encode()) for n, text in enumerate(texts)))
    return [result["document"] for result in response.json()["results"]]


async def test_a_second_users_same_file_costs_no_model_call(own: Settings) -> None:
    async with run_moody_api(own, model := MoodyModel()) as (server, user):
        await user.add_document("A text for both of us.", "a.txt")
        async with sign_up(server.api_url) as other:
            model.texts.clear()
            await other.add_document("A text for both of us.", "a.txt")
            assert model.texts == []


async def test_waiting_for_the_model_never_fails_a_document(own: Settings) -> None:
    async with run_moody_api(own, model := MoodyModel()) as (_, user):
        await user.add_document("The model is known by now.", "known.txt")
        model.failure = JSONResponse({"error": "server busy"}, 503)
        response = await user.upload(("a.txt", b"Waits for the model."))
        document_id = response.json()["results"][0]["document"]["id"]
        waiting = await user.wait_for(document_id, "pending")
        while waiting["status_code"] != "llm_unavailable":
            waiting = (await user.http.get(f"/documents/{document_id}")).json()
            await asyncio.sleep(0.05)
        model.failure = None
        ready = await user.wait_for(document_id)
        assert (ready["status_code"], ready["chunks_skipped"]) == (None, 0)


async def test_a_thousand_files_of_one_do_not_delay_the_only_one_of_another(own: Settings) -> None:
    """Lined up before any worker looks; one worker then takes them in turn."""
    idle, narrow = (
        own.model_copy(
            update={"documents": own.documents.model_copy(update={"worker_concurrency": count})}
        )
        for count in (0, 16)
    )
    async with run_two(idle) as (many, one):
        for start in (0, 60):
            await many.upload(*((f"{n}.txt", f"n {n}".encode()) for n in range(start, start + 60)))
        await one.upload(("only.txt", b"The only one."))
    async with come_back(narrow, one) as same:
        (mine,) = (await same.http.get("/documents")).json()["items"]
        await same.wait_for(mine["id"])
        url = own.database.url
        assert url is not None
        admin = await connect(url.get_secret_value())
        left = await admin.fetchval(
            "SELECT count(*) FROM documents WHERE status <> 'ready' OR updated_at >"
            " (SELECT updated_at FROM documents WHERE id = $1)", mine["id"]
        )  # fmt: skip
        await admin.close()
    assert left > 60


async def test_no_search_goes_through_all_documents_of_its_user(own: Settings) -> None:
    """Also where the statistics of the database know of none of them."""
    async with run_api(own) as user:
        assert own.database.url is not None
        admin = await connect(own.database.url.get_secret_value())
        for table in ("documents", "chunks"):
            await admin.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        await upload_texts(user, *(f"Harbour {n} is deep." for n in range(30)))
        values = {"ids": [uuid4()], "user_id": UUID(user.id), "document_ids": None, "tags": None}
        plan = await admin.fetch(f"EXPLAIN {CONFIRM.sql}", *CONFIRM.arrange(values))
        await admin.close()
    lines = [line for (line,) in plan]
    assert any("Index Scan using pk_documents" in line for line in lines), lines
