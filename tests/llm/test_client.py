"""The client against the offline server: what works, and how every fault reaches the caller."""

import asyncio
import socket
from contextlib import aclosing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from src.exceptions import AppError
from src.llm.client import OllamaClient, parse_ollama_url
from src.llm.exceptions import (
    ContextLengthExceededError,
    LLMFailedError,
    LLMInvalidResponseError,
    LLMTimedOutError,
    LLMUnavailableError,
    ModelCapabilityError,
    ModelNotFoundError,
)
from src.llm.offline.embedding import DIMENSION
from src.llm.offline.faults import TRICKY_TEXT
from src.llm.schemas import ChatChunk, ChatMessage, Embeddings
from src.llm.wire import ChatRequest, GenerationOptions
from tests.fixtures.servers import LoopbackServer, wait_until
from tests.llm.conftest import ClientFactory, ServerFactory

SHORT_SECONDS = 0.2


def ask(model: str, question: str = "Hello?", **options: int) -> ChatRequest:
    return ChatRequest(
        model=model,
        messages=[ChatMessage("user", question)],
        options=GenerationOptions.model_validate({"num_ctx": 2048, "num_predict": 100, **options}),
        keep_alive="5m",
    )


async def collect(client: OllamaClient, request: ChatRequest) -> list[ChatChunk]:
    return [chunk async for chunk in client.stream_chat(request)]


async def read_text(client: OllamaClient, model: str) -> str:
    return "".join(chunk.content for chunk in await collect(client, ask(model)))


@pytest.fixture
async def client(offline_models: LoopbackServer, make_client: ClientFactory) -> OllamaClient:
    return await make_client(offline_models.url)


async def test_an_answer_streams_and_ends_with_its_counts(client: OllamaClient) -> None:
    *pieces, last = await collect(client, ask("offline-chat"))
    assert len(pieces) > 10
    assert not any(piece.is_done for piece in pieces)
    assert (last.is_done, last.done_reason) == (True, "stop")
    assert last.prompt_tokens == 2
    assert last.completion_tokens == len(pieces)


async def test_num_predict_cuts_the_answer(client: OllamaClient) -> None:
    *pieces, last = await collect(client, ask("offline-chat", num_predict=4))
    assert (len(pieces), last.done_reason) == (4, "length")


async def test_a_prompt_past_the_window_is_an_error(client: OllamaClient) -> None:
    with pytest.raises(ContextLengthExceededError):
        await collect(client, ask("offline-chat", "word " * 600, num_ctx=512))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("fault-busy", LLMUnavailableError),
        ("fault-500", LLMFailedError),
        ("fault-html-502", LLMUnavailableError),
        ("fault-html-504", LLMTimedOutError),
        ("fault-html-404", LLMInvalidResponseError),
        ("fault-403", LLMUnavailableError),
        ("fault-redirect", LLMInvalidResponseError),
        ("fault-removed", ModelNotFoundError),
        ("fault-capability", ModelCapabilityError),
        ("fault-context", ContextLengthExceededError),
        ("fault-error-first", LLMFailedError),
        ("fault-error-mid", LLMFailedError),
        ("fault-eof", LLMInvalidResponseError),
        ("fault-eof-first", LLMInvalidResponseError),
        ("fault-cut", LLMUnavailableError),
        ("fault-half-line", LLMInvalidResponseError),
        ("fault-garbage", LLMInvalidResponseError),
        ("fault-not-utf8", LLMInvalidResponseError),
        ("fault-long-line", LLMInvalidResponseError),
        ("offline-embed", ModelCapabilityError),
        ("nobody-has-this", ModelNotFoundError),
    ],
)
async def test_a_failed_answer_is_mapped_and_leaves_nothing_open(
    client: OllamaClient, offline_models: LoopbackServer, model: str, expected: type[AppError]
) -> None:
    with pytest.raises(AppError) as caught:
        await collect(client, ask(model))
    assert type(caught.value) is expected
    await offline_models.wait_until_idle()


@pytest.mark.parametrize(
    ("model", "settings", "received"),
    [
        ("fault-stall-first", {"first_token_timeout_seconds": SHORT_SECONDS}, [""]),
        ("fault-stall-mid", {"token_timeout_seconds": SHORT_SECONDS}, ["Half"]),
        # All of the time may be over before the first piece comes.
        ("fault-stall-mid", {"total_timeout_seconds": SHORT_SECONDS}, ["", "Half"]),
    ],
)
async def test_a_stalled_answer_times_out_and_is_aborted(
    offline_models: LoopbackServer,
    make_client: ClientFactory,
    model: str,
    settings: dict[str, float],
    received: list[str],
) -> None:
    client = await make_client(offline_models.url, **settings)
    text = ""

    async def read() -> None:
        nonlocal text
        async for chunk in client.stream_chat(ask(model)):
            text += chunk.content

    with pytest.raises(LLMTimedOutError):
        await read()
    assert text in received
    await offline_models.wait_until_idle()


async def test_closing_a_stream_aborts_the_generation(
    client: OllamaClient, offline_models: LoopbackServer
) -> None:
    async with aclosing(client.stream_chat(ask("fault-stall-mid"))) as chunks:
        assert (await anext(chunks)).content == "Half"
        assert offline_models.server_state.tasks
    await offline_models.wait_until_idle()


async def test_cancelling_a_reader_aborts_the_generation(
    client: OllamaClient, offline_models: LoopbackServer
) -> None:
    reader = asyncio.create_task(collect(client, ask("fault-stall-first")))
    await wait_until(lambda: bool(offline_models.server_state.tasks))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await offline_models.wait_until_idle()


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("fault-bytewise", TRICKY_TEXT),
        ("fault-two-at-once", "One two"),
        ("fault-no-newline", "Whole"),
        ("fault-late-text", "Almost all"),
        ("fault-thinking", "Yes."),
    ],
)
async def test_odd_but_valid_streams_are_understood(
    client: OllamaClient, model: str, text: str
) -> None:
    assert await read_text(client, model) == text


async def test_thinking_is_apart_from_the_answer(client: OllamaClient) -> None:
    first, second, _ = await collect(client, ask("fault-thinking"))
    assert (first.thinking, first.content) == ("Hm.", "")
    assert (second.thinking, second.content) == ("", "Yes.")


async def test_many_answers_at_once(client: OllamaClient, offline_models: LoopbackServer) -> None:
    answers = await asyncio.gather(*(read_text(client, "offline-chat") for _ in range(100)))
    assert len(set(answers)) == 1
    await offline_models.wait_until_idle()


async def test_vectors_come_in_order(client: OllamaClient) -> None:
    apart = [
        (await client.embed("offline-embed", [text], keep_alive="5m")).vectors
        for text in ("a", "b")
    ]
    both = await client.embed("offline-embed", ["a", "b"], keep_alive="5m", num_ctx=512)
    together = both.vectors
    assert both.prompt_tokens == 2
    assert together == [vectors[0] for vectors in apart]
    assert {len(vector) for vector in together} == {DIMENSION}


async def test_no_text_needs_no_request(make_client: ClientFactory) -> None:
    client = await make_client("http://127.0.0.1:1")
    assert await client.embed("any", [], keep_alive="5m") == Embeddings([], [], 0)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("fault-embed-busy", LLMUnavailableError),
        ("fault-embed-stall", LLMTimedOutError),
        ("fault-embed-garbage", LLMInvalidResponseError),
        ("fault-embed-context", ContextLengthExceededError),
        ("fault-count", LLMInvalidResponseError),
        ("fault-no-vectors", LLMInvalidResponseError),
        ("fault-dimensions", LLMInvalidResponseError),
        ("fault-zero", LLMInvalidResponseError),
        ("fault-tiny", LLMInvalidResponseError),
        ("fault-huge", LLMInvalidResponseError),
        ("fault-nan", LLMInvalidResponseError),
        ("offline-chat", ModelCapabilityError),
        ("nobody-has-this", ModelNotFoundError),
    ],
)
async def test_failed_embeddings_are_mapped_and_leave_nothing_open(
    offline_models: LoopbackServer, make_client: ClientFactory, model: str, expected: type[AppError]
) -> None:
    seconds = SHORT_SECONDS if model == "fault-embed-stall" else 100
    client = await make_client(offline_models.url, embed_timeout_seconds=seconds)
    texts = ["a", "b"] if model in {"fault-dimensions", "fault-count"} else ["a"]
    with pytest.raises(AppError) as caught:
        await client.embed(model, texts, keep_alive="5m")
    assert type(caught.value) is expected
    await offline_models.wait_until_idle()


async def test_metadata(client: OllamaClient) -> None:
    models = {model.name: model for model in await client.list_models()}
    details = await client.show_model("offline-chat")
    assert len(models["offline-chat:latest"].digest) == 64
    assert details.capabilities == ["completion"]
    assert details.context_length == 32_768
    assert await client.get_version() == "0.33.0"


async def test_an_unreachable_server_says_what_to_do(make_client: ClientFactory) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = await make_client(f"127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(LLMUnavailableError, match="Start Ollama or set OLLAMA_URL") as caught:
            await client.list_models()
    assert caught.value.retry_after_seconds is not None
    assert "127.0.0.1" not in caught.value.detail


async def test_another_kind_of_server_is_recognised(
    make_client: ClientFactory, serve: ServerFactory
) -> None:
    async def welcome(_request: Request) -> Response:
        return PlainTextResponse("Welcome")

    server = await serve(Starlette(routes=[Route("/{path:path}", welcome)]))
    client = await make_client(server.url)
    with pytest.raises(LLMInvalidResponseError):
        await client.get_version()
    with pytest.raises(LLMInvalidResponseError):
        await client.list_models()


async def test_the_key_and_the_path_reach_a_proxy(
    make_client: ClientFactory, serve: ServerFactory
) -> None:
    async def tell_key(request: Request) -> Response:
        return JSONResponse({"version": request.headers["Authorization"]})

    server = await serve(Starlette(routes=[Route("/ollama/api/version", tell_key)]))
    client = await make_client(f"{server.url}/ollama", api_key="secret")
    assert await client.get_version() == "Bearer secret"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("gpu", "http://gpu:11434"),
        ("gpu:8080", "http://gpu:8080"),
        ("0.0.0.0", "http://127.0.0.1:11434"),  # noqa: S104, an address to read, not to bind
        ("http://gpu:80", "http://gpu"),
        ("https://models.example.org/ollama", "https://models.example.org/ollama"),
    ],
)
def test_addresses_are_read_as_ollama_reads_them(address: str, url: str) -> None:
    assert str(parse_ollama_url(address)) == url
