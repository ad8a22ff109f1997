"""A server is killed at each step of its work, and started again: nothing is lost or done twice."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import psutil
import pytest

from src.config import Settings
from src.documents.reconciler import Findings
from src.operations import verify
from tests.fixtures.gates import connect, hold_at
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.users import JSON, User, sign_up

TEXT = "\n\n".join(
    f"Lighthouse {n} shines. " + "Its lamp is lit at dusk. " * 50 for n in range(250)
)
NEEDLE = "Lighthouse 249"


def get_url(settings: Settings) -> str:
    assert settings.database.url is not None
    return settings.database.url.get_secret_value()


@asynccontextmanager
async def run(settings: Settings) -> AsyncIterator[Colloquy]:
    environment = {
        "DATABASE_URL": get_url(settings),
        "OLLAMA_URL": str(settings.ollama.url),
        "OLLAMA_CHAT_MODEL": settings.ollama.chat_model,
        "OLLAMA_EMBED_MODEL": settings.ollama.embed_model,
    }
    async with run_colloquy(settings.data_dir, **environment) as colloquy:
        yield colloquy


@asynccontextmanager
async def come_back(colloquy: Colloquy, user: User) -> AsyncIterator[User]:
    headers = {"Authorization": f"Bearer {user.token}"}
    async with httpx.AsyncClient(
        base_url=colloquy.api_url, headers=headers, trust_env=False, timeout=60
    ) as http:
        yield User(user.id, user.username, user.token, http)


async def send(user: User) -> str:
    response = await user.upload(("lamps.txt", TEXT.encode()))
    assert response.status_code == 202, response.text
    document_id: str = response.json()["results"][0]["document"]["id"]
    return document_id


async def expect_whole(settings: Settings, user: User, document_id: str) -> None:
    """Restart; the document becomes ready, once, and all three stores agree."""
    async with run(settings) as colloquy, come_back(colloquy, user) as same:
        document = await same.wait_for(document_id, seconds=90)
        found = await same.search(NEEDLE)
        assert NEEDLE in found[0]["text"]
        assert len([p for p in found if NEEDLE in p["text"]]) == 1
        content = await same.http.get(f"/documents/{document_id}/content")
        assert content.text == TEXT
        assert document["chunks_done"] == document["chunks_total"] > 200
        await colloquy.stop()
    assert await verify(settings, mend=False) == Findings()


STEPS = {
    "begins": ("UPDATE", "documents", "NEW.step = 'extracting'"),
    "writes-passages": ("INSERT", "chunks", "NEW.ordinal = 150"),
    "begins-to-embed": ("UPDATE", "documents", "NEW.step = 'embedding'"),
    "has-embedded": ("INSERT", "cached_embeddings", "true"),
    "has-indexed": ("UPDATE", "documents", "NEW.chunks_done > 64"),
    "finishes": ("UPDATE", "documents", "NEW.status = 'ready'"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_a_kill_when_ingestion(own: Settings, step: tuple[str, str, str]) -> None:
    async with (
        run(own) as colloquy,
        sign_up(colloquy.api_url) as user,
        hold_at(get_url(own), *step) as gate,
    ):
        document_id = await send(user)
        await gate.wait_until_reached()
        await colloquy.kill()
    await expect_whole(own, user, document_id)


SHORT_STEPS = {
    "begins": ("UPDATE", "documents", "NEW.step = 'extracting'"),
    "writes-passages": ("INSERT", "chunks", "NEW.text LIKE 'Buoy 11 %'"),
    "has-embedded": ("INSERT", "cached_embeddings", "true"),
    "finishes": ("UPDATE", "documents", "NEW.status = 'ready'"),
}


@pytest.mark.parametrize("step", SHORT_STEPS.values(), ids=SHORT_STEPS.keys())
async def test_a_kill_when_short_files_are_ingested(
    own: Settings, step: tuple[str, str, str]
) -> None:
    files = [(f"{n}.txt", f"Buoy {n} is red.".encode()) for n in range(24)]
    async with (
        run(own) as colloquy,
        sign_up(colloquy.api_url) as user,
        hold_at(get_url(own), *step) as gate,
    ):
        results = (await user.upload(*files)).json()["results"]
        await gate.wait_until_reached()
        await colloquy.kill()
    async with run(own) as colloquy, come_back(colloquy, user) as same:
        for result in results:
            document = await same.wait_for(result["document"]["id"], seconds=90)
            assert document["chunks_done"] == document["chunks_total"] == 1
        found = await same.search("Buoy 11")
        assert len([p for p in found if p["text"] == "Buoy 11 is red."]) == 1
        await colloquy.stop()
    assert await verify(own, mend=False) == Findings()


def find_child(colloquy: Colloquy, module: str) -> psutil.Process:
    (child,) = (c for c in colloquy.list_children() if module in c.cmdline())
    return child


async def test_a_kill_while_a_file_is_read(own: Settings) -> None:
    async with run(own) as colloquy, sign_up(colloquy.api_url) as user:
        await user.add_document("The reader of files is running now.")
        reader = find_child(colloquy, "src.documents.reading.process")
        reader.suspend()
        document_id = await send(user)
        await user.wait_for(document_id, "processing")
        await colloquy.kill()
        reader.kill()  # Stopped as it is, it could not notice that its parent is gone.
    await expect_whole(own, user, document_id)


async def test_a_kill_while_the_index_writes(own: Settings) -> None:
    async with run(own) as colloquy, sign_up(colloquy.api_url) as user:
        await user.add_document("The engine is running now.")
        engine = find_child(colloquy, "src.documents.vectors")
        async with hold_at(get_url(own), *STEPS["has-embedded"]) as gate:
            document_id = await send(user)
            await gate.wait_until_reached()
            engine.suspend()
        await wait_for_row(own, "SELECT count(*) > 1 FROM cached_embeddings")
        await colloquy.kill()
        engine.kill()
    await expect_whole(own, user, document_id)


async def wait_for_row(settings: Settings, query: str) -> None:
    connection = await connect(get_url(settings))
    async with asyncio.timeout(60):
        while not await connection.fetchval(query):
            await asyncio.sleep(0.01)
    await connection.close()


async def test_a_kill_between_a_deletion_and_its_purge(own: Settings) -> None:
    async with run(own) as colloquy, sign_up(colloquy.api_url) as user:
        await user.add_document("A harbour that stays.")
        document_id = await send(user)
        await user.wait_for(document_id)
        engine = find_child(colloquy, "src.documents.vectors")
        engine.suspend()
        assert (await user.http.delete(f"/documents/{document_id}")).status_code == 204
        await colloquy.kill()
        engine.kill()
    await expect_gone(own, user, document_id)


async def test_a_kill_after_a_deletion_in_the_middle_of_ingestion(own: Settings) -> None:
    async with run(own) as colloquy, sign_up(colloquy.api_url) as user:
        await user.add_document("A harbour that stays.")
        async with hold_at(get_url(own), *STEPS["has-embedded"]) as gate:
            document_id = await send(user)
            await gate.wait_until_reached()
            assert (await user.http.delete(f"/documents/{document_id}")).status_code == 204
            await colloquy.kill()
    await expect_gone(own, user, document_id)


async def expect_gone(settings: Settings, user: User, document_id: str) -> None:
    async with run(settings) as colloquy, come_back(colloquy, user) as same:
        assert (await same.http.get(f"/documents/{document_id}")).status_code == 404
        await wait_for_row(settings, "SELECT count(*) = 0 FROM pgqueuer")
        assert NEEDLE not in str(await same.search(NEEDLE))
        await colloquy.stop()
    assert await verify(settings, mend=False) == Findings()
    files = (settings.data_dir / "files").rglob("*")
    assert len([path for path in files if path.is_file()]) == 1


async def test_a_kill_in_the_middle_of_an_upload(own: Settings) -> None:
    """What was not acknowledged is not there, and takes no space for long."""
    files = own.data_dir / "files"

    async with run(own) as colloquy, sign_up(colloquy.api_url) as user:

        async def body() -> AsyncIterator[bytes]:
            yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
            for _ in range(200):
                yield b"Words. " * 10_000
            while not any(path.is_file() for path in files.rglob("*")):
                await asyncio.sleep(0.01)
            await colloquy.kill()
            yield b"never read"

        headers = {"Content-Type": "multipart/form-data; boundary=xx"}
        with pytest.raises(httpx.TransportError):
            await user.http.post("/documents", content=body(), headers=headers)
    for path in files.rglob("*#*"):
        os.utime(path, (time.time() - 7200,) * 2)
    async with run(own) as colloquy, come_back(colloquy, user) as same:
        listed: JSON = (await same.http.get("/documents")).json()
        assert listed["items"] == []
        async with asyncio.timeout(60):
            while any(path.is_file() for path in files.rglob("*")):
                await asyncio.sleep(0.05)
        await colloquy.stop()
    assert await verify(own, mend=False) == Findings()
