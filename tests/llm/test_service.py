"""The service against a server whose models change under it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

import pytest
from starlette.responses import JSONResponse

from src.config import OllamaSettings
from src.llm.exceptions import (
    LLMInvalidResponseError,
    LLMUnavailableError,
    ModelCapabilityError,
    ModelNotFoundError,
)
from src.llm.resolved import EmbeddingIdentity
from src.llm.schemas import ChatMessage, ChatOptions
from src.llm.servers import ModelServers
from src.llm.service import LLMService
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.llm.conftest import ClientFactory
from tests.llm.scripted import ScriptedModel, ScriptedServer

HOUR_SECONDS = 3600
PATIENCE_SECONDS = 30
MESSAGES = [ChatMessage("user", "Is it so?")]


@pytest.fixture(scope="session")
async def scripted() -> AsyncIterator[tuple[ScriptedServer, LoopbackServer]]:
    ollama = ScriptedServer()
    async with run_server(ollama.app) as server:
        yield ollama, server


@pytest.fixture
def ollama(scripted: tuple[ScriptedServer, LoopbackServer]) -> ScriptedServer:
    server, _ = scripted
    server.requests.clear()
    server.failures.clear()
    server.may_answer.set()
    server.models = {
        "llama3.2:latest": ScriptedModel(),
        "qwen3:8b": ScriptedModel(capabilities=["completion", "thinking"]),
        "nomic-embed-text:latest": ScriptedModel("d1", ["embedding"], 8192),
    }
    return server


class ServiceFactory(Protocol):
    async def __call__(self, ttl_seconds: float = ..., **settings: object) -> LLMService: ...


@pytest.fixture
def make_service(
    ollama: ScriptedServer,  # noqa: ARG001, resets the server
    scripted: tuple[ScriptedServer, LoopbackServer],
    make_client: ClientFactory,
) -> ServiceFactory:
    async def make(ttl_seconds: float = HOUR_SECONDS, **settings: object) -> LLMService:
        client = await make_client(scripted[1].url)
        values = OllamaSettings.model_validate(settings)
        servers = ModelServers([client], values, metadata_ttl_seconds=ttl_seconds)
        return LLMService(servers, servers, values)

    return make


async def test_no_name_means_the_configured_model(make_service: ServiceFactory) -> None:
    model = await (await make_service(num_ctx=4096)).resolve_chat_model(None)
    assert (model.name, model.digest, model.num_ctx) == ("llama3.2:latest", "d1", 4096)


async def test_any_spelling_finds_a_model(make_service: ServiceFactory) -> None:
    model = await (await make_service()).resolve_chat_model("registry.ollama.ai/library/Qwen3:8B")
    assert model.name == "qwen3:8b"
    assert model.can_think


async def test_a_small_model_limits_the_window_and_the_answer(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    ollama.models["tiny:latest"] = ScriptedModel(context_length=1000)
    model = await (await make_service()).resolve_chat_model("tiny")
    assert (model.num_ctx, model.num_predict, model.prompt_tokens) == (1000, 500, 500)


async def test_a_missing_model_is_named(make_service: ServiceFactory) -> None:
    service = await make_service()
    with pytest.raises(ModelNotFoundError, match="`ollama pull mistral`"):
        await service.resolve_chat_model("mistral")


async def test_a_model_pulled_a_moment_ago_is_found(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await service.resolve_chat_model(None)
    ollama.models["mistral:latest"] = ScriptedModel()
    assert (await service.resolve_chat_model("mistral")).name == "mistral:latest"


async def test_an_embedding_model_cannot_chat(make_service: ServiceFactory) -> None:
    service = await make_service()
    with pytest.raises(ModelCapabilityError):
        await service.resolve_chat_model("nomic-embed-text")


async def test_an_old_server_tells_no_capabilities(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    ollama.models["old:latest"] = ScriptedModel(capabilities=None, context_length=None)
    model = await (await make_service()).resolve_chat_model("old")
    assert (model.capabilities, model.num_ctx) == (None, 8192)


async def test_metadata_is_asked_for_once(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await asyncio.gather(*(service.resolve_chat_model(None) for _ in range(10)))
    assert (len(ollama.bodies_of("tags")), len(ollama.bodies_of("show"))) == (1, 1)


async def send(service: LLMService, name: str, **asked: object) -> None:
    model = await service.resolve_chat_model(name)
    options = ChatOptions.model_validate(asked)
    chunks = [chunk async for chunk in service.stream_chat(model, MESSAGES, options=options)]
    assert "".join(chunk.content for chunk in chunks) == "Yes."


async def test_a_request_says_everything_that_matters(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    await send(await make_service(), "llama3.2", temperature=0.1, num_predict=10)
    assert ollama.bodies_of("chat") == [
        {
            "model": "llama3.2:latest",
            "messages": [{"role": "user", "content": "Is it so?"}],
            "options": {"num_ctx": 8192, "num_predict": 10, "temperature": 0.1},
            "keep_alive": "30m",
            "stream": True,
            "truncate": False,
            "shift": False,
        }
    ]


async def test_a_thinking_model_is_told_not_to(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    await send(await make_service(), "qwen3:8b")
    assert ollama.bodies_of("chat")[0]["think"] is False


async def test_nobody_raises_the_servers_own_limit(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    await send(await make_service(num_predict=100), "llama3.2", num_predict=5000)
    assert ollama.bodies_of("chat")[0]["options"] == {"num_ctx": 8192, "num_predict": 100}


async def test_thinking_needs_a_model_that_can(make_service: ServiceFactory) -> None:
    service = await make_service()
    model = await service.resolve_chat_model("llama3.2")
    with pytest.raises(ModelCapabilityError):
        service.stream_chat(model, MESSAGES, think=True)


async def test_the_embedding_identity_is_probed_once(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    identities = [await service.get_embedding_identity() for _ in range(3)]
    assert len(set(identities)) == 1
    assert identities[0] == EmbeddingIdentity(
        "nomic-embed-text:latest", "d1", 3, "search_query: ", "search_document: "
    )
    assert len(ollama.bodies_of("embed")) == 1


async def test_a_replaced_model_has_another_identity(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service(ttl_seconds=0)
    before = await service.get_embedding_identity()
    ollama.models["nomic-embed-text:latest"] = ScriptedModel("d2", ["embedding"], 2048, 5)
    after = await service.get_embedding_identity()
    assert (after.digest, after.dimension) == ("d2", 5)
    assert after.collection_name != before.collection_name


def test_every_part_of_the_identity_names_the_collection() -> None:
    identity = EmbeddingIdentity("m", "d", 3, "q", "p")
    others = [
        replace(identity, model="x"),
        replace(identity, digest="x"),
        replace(identity, dimension=4),
        replace(identity, query_prefix="x"),
        replace(identity, document_prefix="x"),
    ]
    names = {one.collection_name for one in (identity, *others)}
    assert len(names) == 6
    assert all(name.startswith("chunks_") for name in names)


async def test_texts_get_the_prefixes_of_the_model(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await service.embed_query("who?")
    await service.embed_documents(["a", "b"])
    asked = [body["input"] for body in ollama.bodies_of("embed")[1:]]
    assert asked == [["search_query: who?"], ["search_document: a", "search_document: b"]]


async def test_settings_override_the_prefixes(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service(query_prefix="Q ", document_prefix="")
    await service.embed_query("who?")
    await service.embed_documents(["a"])
    assert [body["input"] for body in ollama.bodies_of("embed")[1:]] == [["Q who?"], ["a"]]


async def test_documents_are_embedded_in_batches_and_in_order(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service(embed_batch_size=2, document_prefix="")
    vectors = await service.embed_documents(["a" * size for size in range(1, 6)])
    assert [vector[0] for vector in vectors] == [1, 2, 3, 4, 5]
    assert len(ollama.bodies_of("embed")) == 1 + 3


async def test_the_embedding_window_is_sent_as_the_batch(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    await (await make_service()).embed_query("who?")
    sent = [body["options"] for body in ollama.bodies_of("embed")]
    assert sent == [{"num_ctx": 2048, "num_batch": 2048}] * 2


async def test_vectors_of_another_dimension_are_refused(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await service.get_embedding_identity()
    ollama.models["nomic-embed-text:latest"].dimension = 4
    with pytest.raises(LLMInvalidResponseError):
        await service.embed_query("who?")


async def test_models_are_described(make_service: ServiceFactory) -> None:
    models = await (await make_service()).list_models()
    assert [(model.name, model.is_default, model.context_length) for model in models] == [
        ("llama3.2:latest", True, 131_072),
        ("qwen3:8b", False, 131_072),
        ("nomic-embed-text:latest", False, 8192),
    ]


async def test_one_model_is_described(make_service: ServiceFactory) -> None:
    model = await (await make_service()).get_model("QWEN3:8b")
    assert (model.name, model.capabilities) == ("qwen3:8b", ["completion", "thinking"])


async def test_a_model_that_vanishes_is_left_out(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await service.resolve_chat_model(None)
    del ollama.models["qwen3:8b"]
    assert "qwen3:8b" not in [model.name for model in await service.list_models()]


async def test_the_status_of_a_ready_server(make_service: ServiceFactory) -> None:
    status = await (await make_service()).check()
    assert status.is_ready
    assert (status.chat.model, status.chat.version) == ("llama3.2", "0.33.0")


async def test_the_status_names_what_is_missing(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    await service.check()
    del ollama.models["nomic-embed-text:latest"]
    status = await service.check()
    assert (status.is_ready, status.chat.is_ready) == (False, True)
    assert "`ollama pull nomic-embed-text`" in (status.embedding.detail or "")


async def test_the_status_of_a_server_that_is_gone(make_client: ClientFactory) -> None:
    servers = ModelServers([await make_client("127.0.0.1:1")], OllamaSettings())
    status = await LLMService(servers, servers, OllamaSettings()).check()
    assert (status.is_ready, status.chat.version) == (False, None)
    assert "Start Ollama" in (status.chat.detail or "")


async def test_a_busy_server_is_asked_once_more(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    ollama.failures = [JSONResponse({"error": "server busy"}, 503)]
    await send(service, "llama3.2")
    ollama.failures = [JSONResponse({"error": "server busy"}, 503)] * 2
    with pytest.raises(LLMUnavailableError):
        await send(service, "llama3.2")
    assert (len(ollama.bodies_of("chat")), ollama.failures) == (4, [])


async def test_nothing_is_asked_again_that_cannot_be_mended(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service()
    ollama.failures = [JSONResponse({"error": '"x" does not support tools'}, 400)]
    with pytest.raises(ModelCapabilityError):
        await send(service, "llama3.2")
    assert len(ollama.bodies_of("chat")) == 1


async def test_an_alias_stands_for_a_model(make_service: ServiceFactory) -> None:
    service = await make_service(aliases={"Fast": "qwen3:8b"}, chat_model="fast")
    for name in ("fast", "FAST:latest", None):
        assert (await service.resolve_chat_model(name)).name == "qwen3:8b"
    described = {model.name: model for model in await service.list_models()}
    assert described["qwen3:8b"].aliases == ["Fast"]
    assert described["qwen3:8b"].is_default


async def test_a_model_has_defaults_of_its_own(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    own = {"num_ctx": 2048, "num_predict": 100, "keep_alive": "1h", "document_prefix": "D: "}
    service = await make_service(
        model_defaults={"LLAMA3.2": own, "nomic-embed-text:latest": own}, query_prefix="Q: "
    )
    await send(service, "llama3.2")
    (asked,) = ollama.bodies_of("chat")
    assert asked["options"] == {"num_ctx": 2048, "num_predict": 100}
    assert asked["keep_alive"] == "1h"
    await send(service, "qwen3:8b")
    assert ollama.bodies_of("chat")[1]["keep_alive"] == "30m"
    await service.embed_query("a")
    await service.embed_documents(["a"])
    embedded = ollama.bodies_of("embed")
    assert [body["input"] for body in embedded[1:]] == [["Q: a"], ["D: a"]]
    assert {body["keep_alive"] for body in embedded} == {"1h"}


async def test_a_search_goes_before_the_texts_of_a_document(
    make_service: ServiceFactory, ollama: ScriptedServer
) -> None:
    service = await make_service(
        embed_concurrency=1, embed_batch_size=1, query_prefix="", document_prefix=""
    )
    await service.get_embedding_identity()
    ollama.may_answer.clear()
    indexing = asyncio.create_task(service.embed_documents(["a", "b", "c"]))
    await wait_until(lambda: len(ollama.bodies_of("embed")) == 2, PATIENCE_SECONDS)
    others = asyncio.create_task(service.embed_documents(["d"]))
    await settle()
    search = asyncio.create_task(service.embed_query("who?"))
    await settle()
    ollama.may_answer.set()
    await asyncio.gather(indexing, others, search)
    asked = [body["input"] for body in ollama.bodies_of("embed")[1:]]
    assert asked[:2] == [["a"], ["who?"]]
    assert sorted(map(str, asked[2:])) == ["['b']", "['c']", "['d']"]


async def settle() -> None:
    """Let every task go on as far as it can without waiting for the network."""
    for _ in range(50):
        await asyncio.sleep(0)
