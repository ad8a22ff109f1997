"""Ollama's own Python client against the offline models, as somebody tests a program in CI."""

import asyncio
import sys
from collections.abc import AsyncIterator

import ollama
import pytest

from tests.fixtures.processes import ROOT
from tests.fixtures.servers import LoopbackServer

HI = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def client(offline_models: LoopbackServer) -> AsyncIterator[ollama.AsyncClient]:
    client = ollama.AsyncClient(host=offline_models.url, trust_env=False)
    yield client
    await client.close()  # type: ignore[no-untyped-call]  # as it is written


async def test_it_chats(client: ollama.AsyncClient) -> None:
    whole = await client.chat("offline-chat", HI)
    pieces = [piece async for piece in await client.chat("offline-chat", HI, stream=True)]
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    assert (pieces[-1].done, pieces[-1].done_reason) == (True, "stop")
    assert whole.eval_count == pieces[-1].eval_count != 0


async def test_it_generates(client: ollama.AsyncClient) -> None:
    assert (await client.generate("offline-chat", "Hi")).response


async def test_it_embeds(client: ollama.AsyncClient) -> None:
    both = (await client.embed("offline-embed", ["the sea", "the land"])).embeddings
    one = (await client.embed("offline-embed", "the sea")).embeddings
    assert [len(vector) for vector in both] == [1024, 1024]
    assert list(one[0]) == list(both[0])


async def test_it_manages_models(client: ollama.AsyncClient) -> None:
    names = [model.model for model in (await client.list()).models]
    assert "offline-chat:latest" in names
    assert (await client.show("offline-chat")).capabilities == ["completion"]
    await client.chat("offline-chat", HI)
    assert "offline-chat:latest" in [model.model for model in (await client.ps()).models]
    statuses = [line.status async for line in await client.pull("offline-chat", stream=True)]
    assert statuses[-1] == "success"


async def test_it_hears_of_errors(client: ollama.AsyncClient) -> None:
    with pytest.raises(ollama.ResponseError) as missing:
        await client.chat("no-such-model", HI)
    assert missing.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        await client.pull("no-such-model")
    stream = await client.chat("fault-error-mid", HI, stream=True)
    with pytest.raises(ollama.ResponseError, match="unexpectedly stopped"):
        _ = [piece async for piece in stream]


async def test_the_command_serves_it_alone() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "src.cli", "offline-models", "--port", "0"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            said = (await process.stdout.readline()).decode().strip()
        assert said.startswith("listening on http://127.0.0.1:")
        client = ollama.AsyncClient(host=said.removeprefix("listening on "), trust_env=False)
        names = [model.model for model in (await client.list()).models]
        assert names == ["offline-chat:latest", "offline-embed:latest"]
        await client.close()  # type: ignore[no-untyped-call]  # as it is written
    finally:
        process.terminate()
        await process.wait()
