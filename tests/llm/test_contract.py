"""What Colloquy relies on in an Ollama: asked of the offline models, and of a real one.

With `OLLAMA_LIVE_URL` the same is asked of that server, with `OLLAMA_LIVE_CHAT_MODEL` and
`OLLAMA_LIVE_EMBED_MODEL`, or the smallest models it has of each kind. Nothing is changed there.
"""

import json
import math
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from src.config import OllamaSettings
from src.exceptions import AppError
from src.llm.client import OllamaClient, create_http_client
from src.llm.exceptions import (
    ContextLengthExceededError,
    ModelCapabilityError,
    ModelNotFoundError,
    ModelUnobtainableError,
)
from src.llm.names import normalise_model_name
from src.llm.schemas import ChatChunk, ChatMessage
from src.llm.wire import ChatRequest, GenerationOptions
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON

LIVE_URL = os.environ.get("OLLAMA_LIVE_URL")
NOBODY = "nobody-has-this/model:no-tag"
SETTINGS = OllamaSettings(first_token_timeout_seconds=600)
HI = [ChatMessage("user", "Say hello.")]

pytestmark = pytest.mark.timeout(900 if LIVE_URL else 120)


@dataclass(frozen=True)
class Ollama:
    """A server, and the models of it that are asked."""

    raw: httpx.AsyncClient
    client: OllamaClient
    chat_model: str
    embed_model: str

    async def post(self, path: str, **body: object) -> httpx.Response:
        return await self.raw.post(f"/api/{path}", json=body)

    async def chat(
        self, content: str = "Say hello.", model: str | None = None, **options: int
    ) -> list[ChatChunk]:
        request = ChatRequest(
            model=model or self.chat_model,
            messages=[ChatMessage("user", content)],
            options=GenerationOptions.model_validate(
                {"num_ctx": 2048, "num_predict": 16} | options
            ),
            keep_alive="5m",
        )
        return [chunk async for chunk in self.client.stream_chat(request)]


@pytest.fixture(params=["offline", "live"])
async def ollama(
    request: pytest.FixtureRequest, offline_models: LoopbackServer
) -> AsyncIterator[Ollama]:
    url = offline_models.url
    names = ("offline-chat", "offline-embed")
    if request.param == "live":
        if LIVE_URL is None:
            pytest.skip("OLLAMA_LIVE_URL names no server")
        url = LIVE_URL
    async with create_http_client(SETTINGS, url) as raw:
        client = OllamaClient(raw, SETTINGS)
        if request.param == "live":
            names = await choose_models(client)
        yield Ollama(raw, client, *names)


async def choose_models(client: OllamaClient) -> tuple[str, str]:
    chosen = []
    models = sorted(await client.list_models(), key=lambda model: model.size)
    for kind, variable in (("completion", "CHAT"), ("embedding", "EMBED")):
        name = os.environ.get(f"OLLAMA_LIVE_{variable}_MODEL")
        if name is None:
            fitting = [
                model.name
                for model in models
                if kind in ((await client.show_model(model.name)).capabilities or ())
            ]
            if not fitting:
                pytest.skip(f"the server has no model for {kind}")
            name = fitting[0]
        chosen.append(name)
    return chosen[0], chosen[1]


async def test_it_tells_its_version(ollama: Ollama) -> None:
    assert (await ollama.raw.get("/")).text == "Ollama is running"
    assert await ollama.client.get_version()


async def test_its_models_are_described(ollama: Ollama) -> None:
    models = {
        normalise_model_name(model.name): model for model in await ollama.client.list_models()
    }
    for name, kind in ((ollama.chat_model, "completion"), (ollama.embed_model, "embedding")):
        model = models[normalise_model_name(name)]
        assert (len(model.digest), model.size > 0) == (64, True)
        assert model.modified_at is not None
        details = await ollama.client.show_model(name)
        assert kind in (details.capabilities or ())
        assert (details.context_length or 0) > 0


async def test_names_are_compared_without_case_and_with_the_default_tag(ollama: Ollama) -> None:
    name = normalise_model_name(ollama.chat_model)
    spellings = [name, name.upper(), name.removesuffix(":latest")]
    shown = [await ollama.client.show_model(spelling) for spelling in spellings]
    assert shown[0] == shown[1] == shown[2]


async def test_an_answer_streams_and_ends_with_its_counts(ollama: Ollama) -> None:
    chunks = await ollama.chat()
    last = chunks[-1]
    assert [chunk.is_done for chunk in chunks].count(True) == 1
    assert "".join(chunk.content + chunk.thinking for chunk in chunks)
    assert last.done_reason in ("stop", "length")
    assert last.prompt_tokens > 0
    assert last.completion_tokens > 0


async def test_a_stream_is_lines_of_json(ollama: Ollama) -> None:
    message = {"role": "user", "content": "Say hello."}
    options = {"num_ctx": 2048, "num_predict": 8}
    reply = await ollama.post(
        "chat", model=ollama.chat_model, messages=[message], options=options, think=False
    )
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    lines: list[JSON] = [json.loads(line) for line in reply.content.split(b"\n") if line]
    assert all(line["model"] == ollama.chat_model for line in lines)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


async def test_the_limit_of_an_answer_is_kept(ollama: Ollama) -> None:
    last = (await ollama.chat("Count from one to a hundred.", num_predict=2))[-1]
    assert (last.done_reason, last.completion_tokens) == ("length", 2)


async def test_a_prompt_past_the_window_is_an_error(ollama: Ollama) -> None:
    with pytest.raises(ContextLengthExceededError):
        await ollama.chat("word " * 4000)


async def test_a_model_that_was_asked_is_loaded(ollama: Ollama) -> None:
    await ollama.chat(num_predict=1)
    loaded = [normalise_model_name(name) for name in await ollama.client.list_loaded()]
    assert normalise_model_name(ollama.chat_model) in loaded


async def test_a_request_without_messages_only_loads(ollama: Ollama) -> None:
    reply = await ollama.post(
        "chat", model=ollama.chat_model, messages=[], options={"num_ctx": 2048}, stream=False
    )
    assert (reply.status_code, reply.json()["done_reason"]) == (200, "load")


async def test_durations_have_a_unit(ollama: Ollama) -> None:
    reply = await ollama.post("chat", model=ollama.chat_model, messages=[], keep_alive="300")
    assert reply.status_code == 400
    assert "error" in reply.json()


async def test_vectors_are_normal_and_in_order(ollama: Ollama) -> None:
    async def embed(*texts: str) -> list[list[float]]:
        found = await ollama.client.embed(ollama.embed_model, texts, keep_alive="5m", num_ctx=512)
        assert found.prompt_tokens > 0
        return found.vectors

    together = await embed("the sea", "a tax return")
    alone = [(await embed(text))[0] for text in ("the sea", "a tax return")]
    for vector, same, other in zip(together, alone, alone[::-1], strict=True):
        assert math.hypot(*vector) == pytest.approx(1, abs=0.01)
        assert math.dist(vector, same) < math.dist(vector, other)


@pytest.mark.parametrize("nothing", ["", []])
async def test_nothing_embeds_to_nothing(ollama: Ollama, nothing: object) -> None:
    reply = await ollama.post("embed", model=ollama.embed_model, input=nothing)
    assert (reply.status_code, reply.json()["embeddings"]) == (200, [])


async def test_an_unknown_model_is_not_found(ollama: Ollama) -> None:
    for asking in (
        ollama.chat(model=NOBODY),
        ollama.client.show_model(NOBODY),
        ollama.client.delete_model(NOBODY),
        ollama.client.embed(NOBODY, ["Hi"], keep_alive="5m"),
    ):
        with pytest.raises(ModelNotFoundError):
            await asking


async def test_an_unknown_model_cannot_be_pulled(ollama: Ollama) -> None:
    """A real server finds out over the network; without one it says so as well."""
    with pytest.raises(AppError) as failed:
        _ = [line async for line in ollama.client.pull_model(NOBODY)]
    assert isinstance(failed.value, ModelUnobtainableError)


async def test_a_model_refuses_what_it_cannot_do(ollama: Ollama) -> None:
    with pytest.raises(ModelCapabilityError):
        await ollama.chat(model=ollama.embed_model)


async def test_unknown_addresses_are_plain_text(ollama: Ollama) -> None:
    missing = await ollama.raw.get("/api/nowhere")
    wrong = await ollama.raw.get("/api/chat")
    assert [missing.status_code, wrong.status_code] == [404, 405]
    assert missing.headers["Content-Type"].startswith("text/plain")


async def test_malformed_requests_are_refused(ollama: Ollama) -> None:
    no_model = await ollama.post("chat", messages=[])
    no_json = await ollama.raw.post("/api/chat", content=b"{")
    assert [no_model.status_code, no_json.status_code] == [400, 400]
    assert all("error" in reply.json() for reply in (no_model, no_json))
