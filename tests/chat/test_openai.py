"""The OpenAI-compatible API, driven by OpenAI's own package."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from src.llm.offline.faults import TRICKY_TEXT
from tests.fixtures.days import stay_within_a_day
from tests.fixtures.servers import LoopbackServer, wait_until
from tests.fixtures.users import JSON, User

OXYGEN = "# Oxygen\n\nOxygen was discovered by Carl Wilhelm Scheele in Uppsala in 1773.\n"
MESSAGES: Any = [{"role": "user", "content": "Who discovered oxygen?"}]


@pytest.fixture
async def client(server: LoopbackServer, user: User) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=user.token, base_url=f"{server.url}/v1", max_retries=0
    ) as client:
        yield client


async def read(stream: openai.AsyncStream[ChatCompletionChunk]) -> list[ChatCompletionChunk]:
    return [chunk async for chunk in stream]


def join(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_a_plain_model_answers(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="offline-chat", messages=MESSAGES)
    choice = answer.choices[0]
    assert choice.message.role == "assistant"
    assert "offline model" in (choice.message.content or "")
    assert choice.finish_reason == "stop"
    assert answer.model == "offline-chat"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens > 0
    assert answer.id.startswith("chatcmpl-")


async def test_a_stream_is_the_answer_in_pieces(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="offline-chat", messages=MESSAGES)
    chunks = await read(
        await client.chat.completions.create(
            model="offline-chat",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert join(chunks) == whole.choices[0].message.content
    first, *_, end, usage = chunks
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert end.choices[0].finish_reason == "stop"
    assert (usage.choices, usage.usage) == ([], whole.usage)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_the_streaming_helper_accepts_the_stream(client: openai.AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="offline-chat", messages=MESSAGES) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].finish_reason == "stop"
    assert final.choices[0].message.content


async def test_answers_from_documents_are_cited(
    client: openai.AsyncOpenAI, user: User, server: LoopbackServer
) -> None:
    document = await user.add_document(OXYGEN)
    answer = await client.chat.completions.create(model="offline-chat@docs", messages=MESSAGES)
    content = answer.choices[0].message.content or ""
    assert "Carl Wilhelm Scheele" in content
    (annotation,) = answer.choices[0].message.annotations or []
    cited = annotation.url_citation
    assert content[cited.start_index : cited.end_index] == "[1]"
    assert cited.title == document["title"]
    assert cited.url == f"{server.api_url}/documents/{document['id']}/content"
    (source,) = (answer.model_extra or {})["sources"]
    assert (source["number"], source["document_id"], source["is_cited"]) == (
        1,
        document["id"],
        True,
    )
    assert (await user.http.get("/chat/sessions")).json()["items"] == []


async def test_a_stream_from_documents_ends_with_its_citations(
    client: openai.AsyncOpenAI, user: User
) -> None:
    document = await user.add_document(OXYGEN)
    chunks = await read(
        await client.chat.completions.create(
            model="offline-chat@docs", messages=MESSAGES, stream=True
        )
    )
    *_, late, end = chunks
    extra = late.choices[0].delta.model_extra or {}
    (annotation,) = extra["annotations"]
    citation = annotation["url_citation"]
    assert join(chunks)[citation["start_index"] : citation["end_index"]] == "[1]"
    assert (end.model_extra or {})["sources"][0]["document_id"] == document["id"]
    assert end.choices[0].finish_reason == "stop"


async def test_the_documents_can_be_narrowed_down(client: openai.AsyncOpenAI, user: User) -> None:
    await user.add_document(OXYGEN)
    other = await user.add_document("The Rhine begins in the Alps.", "rhine.md", tags="rivers")
    for scope in ({"document_ids": [other["id"]]}, {"tags": ["rivers"]}):
        answer = await client.chat.completions.create(
            model="offline-chat@docs", messages=MESSAGES, extra_body=scope
        )
        sources = (answer.model_extra or {})["sources"]
        assert {source["document_id"] for source in sources} == {other["id"]}


async def test_nobody_is_told_from_others_documents(
    client: openai.AsyncOpenAI, stranger: User
) -> None:
    await stranger.add_document(OXYGEN)
    answer = await client.chat.completions.create(model="@docs", messages=MESSAGES)
    assert (answer.model_extra or {})["sources"] == []
    assert "Scheele" not in (answer.choices[0].message.content or "")


async def test_an_answer_that_is_cut_says_so(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="offline-chat", messages=MESSAGES, max_completion_tokens=3
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3


async def test_thinking_is_a_field_of_its_own(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="fault-thinking", messages=MESSAGES)
    message = answer.choices[0].message
    assert (message.content, (message.model_extra or {})["reasoning_content"]) == ("Yes.", "Hm.")


async def test_tricky_characters_arrive_whole(client: openai.AsyncOpenAI) -> None:
    chunks = await read(
        await client.chat.completions.create(model="fault-bytewise", messages=MESSAGES, stream=True)
    )
    assert join(chunks) == TRICKY_TEXT


async def test_what_means_nothing_here_is_ignored(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(
        model="offline-chat",
        messages=[
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        ],
        user="somebody",
        store=True,
        parallel_tool_calls=False,
        service_tier="auto",
        reasoning_effort="high",
        extra_body={"not_invented_yet": 1},
    )
    assert answer.choices[0].message.content


async def test_the_older_endpoint_answers_a_prompt(client: openai.AsyncOpenAI) -> None:
    whole = await client.completions.create(model="offline-chat", prompt="Hi")
    assert whole.object == "text_completion"
    stream = await client.completions.create(model="offline-chat", prompt="Hi", stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_embeddings_come_as_floats_or_base64(client: openai.AsyncOpenAI, user: User) -> None:
    await stay_within_a_day()
    decoded = await client.embeddings.create(model="offline-embed", input=["the sea", "the land"])
    plain = await client.embeddings.create(
        model="offline-embed", input="the sea", encoding_format="float"
    )
    assert [item.index for item in decoded.data] == [0, 1]
    assert decoded.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert decoded.usage.prompt_tokens > plain.usage.prompt_tokens > 0
    usage = (await user.http.get("/llm/usage")).json()["items"]
    assert [(item["model"], item["requests"]) for item in usage] == [("offline-embed:latest", 2)]


async def test_base64_is_little_endian_float32(server: LoopbackServer, user: User) -> None:
    """As node's client decodes it, whatever it asked for."""
    body = {"model": "offline-embed", "input": "the sea", "encoding_format": "base64"}
    response = await user.http.post(f"{server.url}/v1/embeddings", json=body)
    assert len(base64.b64decode(response.json()["data"][0]["embedding"])) == 4 * 1024


async def test_models_are_listed_with_and_without_documents(client: openai.AsyncOpenAI) -> None:
    names = [model.id async for model in client.models.list()]
    assert {"offline-chat:latest", "offline-chat:latest@docs", "offline-embed:latest"} <= set(names)
    assert "offline-embed:latest@docs" not in names
    assert (await client.models.retrieve("offline-chat@docs")).id == "offline-chat:latest@docs"
    for name in ("no-such-model", "offline-embed@docs"):
        with pytest.raises(openai.NotFoundError) as refused:
            await client.models.retrieve(name)
        assert refused.value.code == "model_not_found"


async def test_what_is_spent_is_counted(client: openai.AsyncOpenAI, user: User) -> None:
    await stay_within_a_day()
    answer = await client.chat.completions.create(model="offline-chat", messages=MESSAGES)
    await read(
        await client.chat.completions.create(model="offline-chat", messages=MESSAGES, stream=True)
    )
    assert answer.usage is not None
    usage = (await user.http.get("/llm/usage")).json()
    assert usage["items"][0]["requests"] == 2
    assert usage["tokens_today"] == 2 * answer.usage.total_tokens


TOO_LONG = [{"role": "user", "content": "x" * 200_000}]
REFUSED: list[tuple[JSON, int, str, str | None]] = [
    ({"model": "no-such-model"}, 404, "model_not_found", None),
    ({"model": "offline-embed"}, 400, "model_capability_missing", None),
    ({"messages": []}, 400, "validation_failed", "messages"),
    ({"temperature": 3}, 400, "validation_failed", "temperature"),
    ({"n": 2}, 400, "unsupported_parameter", "n"),
    ({"response_format": {"type": "poem"}}, 400, "invalid_value", "response_format"),
    (
        {"messages": [{"role": "user", "content": "x" * 200_000}]},
        400,
        "context_length_exceeded",
        None,
    ),
    (
        {"model": "@docs", "messages": TOO_LONG},
        400,
        "context_length_exceeded",
        None,
    ),
    (
        {"model": "@docs", "messages": [{"role": "assistant", "content": "x"}]},
        400,
        "unsupported_parameter",
        "messages",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}],
                }
            ]
        },
        400,
        "unsupported_parameter",
        "messages",
    ),
    (
        {
            "messages": [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "[]"}}],
                }
            ]
        },
        400,
        "invalid_value",
        "messages",
    ),
    ({"messages": "Hi"}, 400, "validation_failed", "messages"),
    ({"tools": [{"type": "function"}]}, 400, "model_capability_missing", None),
]


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(("change", "status", "code", "param"), REFUSED)
async def test_what_cannot_be_done_is_refused_in_openais_words(
    server: LoopbackServer,
    user: User,
    change: JSON,
    status: int,
    code: str,
    param: str | None,
    *,
    is_streamed: bool,
) -> None:
    body = {"model": "offline-chat", "messages": MESSAGES, "stream": is_streamed, **change}
    response = await user.http.post(f"{server.url}/v1/chat/completions", json=body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["type"]) == (code, "invalid_request_error")
    assert param is None or error["param"].startswith(param)
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("texts", [[1, 2, 3], [[1], [2]], "", [], ["a", ""]])
async def test_what_cannot_be_embedded_is_refused(
    server: LoopbackServer, user: User, texts: object
) -> None:
    body = {"model": "offline-embed", "input": texts}
    response = await user.http.post(f"{server.url}/v1/embeddings", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "input"
    if texts in ([1, 2, 3], [[1], [2]]):
        assert "check_embedding_ctx_length=False" in response.json()["error"]["message"]


async def test_errors_reach_the_client_whole(
    client: openai.AsyncOpenAI, server: LoopbackServer
) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        await client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    assert missing.value.code == "model_not_found"
    assert missing.value.request_id == missing.value.response.headers["x-request-id"]
    assert "is not installed" in missing.value.message
    nobody = openai.AsyncOpenAI(api_key="wrong", base_url=f"{server.url}/v1", max_retries=0)
    async with nobody:
        with pytest.raises(openai.AuthenticationError) as unknown:
            await nobody.models.list()
    assert unknown.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError):
        await client.get("/nowhere", cast_to=httpx.Response)


FAULTS = {
    "fault-busy": (503, "llm_unavailable", "true"),
    "fault-500": (502, "llm_failed", "false"),
    "fault-html-502": (503, "llm_unavailable", "true"),
    "fault-html-504": (504, "llm_timeout", "false"),
    "fault-403": (503, "llm_unavailable", "true"),
    "fault-removed": (404, "model_not_found", "false"),
    "fault-capability": (400, "model_capability_missing", "false"),
    "fault-context": (400, "context_length_exceeded", "false"),
    "fault-error-first": (502, "llm_failed", "false"),
    "fault-eof-first": (502, "llm_invalid_response", "false"),
    "fault-garbage": (502, "llm_invalid_response", "false"),
}


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("model", FAULTS)
async def test_a_model_that_fails_at_once_is_a_status(
    server: LoopbackServer, user: User, model: str, *, is_streamed: bool
) -> None:
    status, code, retry = FAULTS[model]
    body = {"model": model, "messages": MESSAGES, "stream": is_streamed}
    response = await user.http.post(f"{server.url}/v1/chat/completions", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["x-should-retry"] == retry
    assert ("Retry-After" in response.headers) is (status == 503)
    assert "blobs" not in response.text
    assert "127.0.0.1" not in response.text


@pytest.mark.parametrize("model", ["fault-error-mid", "fault-eof", "fault-cut", "fault-half-line"])
async def test_a_failure_midway_is_raised_by_the_client(
    client: openai.AsyncOpenAI, model: str
) -> None:
    received: list[ChatCompletionChunk] = []
    stream = await client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError) as failed:
        received.extend([chunk async for chunk in stream])
    assert failed.value.code in ("llm_failed", "llm_invalid_response", "llm_unavailable")


async def test_a_failure_midway_shows_what_there_was_and_never_done(
    server: LoopbackServer, user: User
) -> None:
    body = {"model": "fault-error-mid", "messages": MESSAGES, "stream": True}
    response = await user.http.post(f"{server.url}/v1/chat/completions", json=body)
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert json.loads(events[-2])["choices"][0]["delta"] == {"content": "Half"}
    assert json.loads(events[-1])["error"]["code"] == "llm_failed"
    assert "[DONE]" not in response.text


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_client_that_leaves_frees_the_model(
    client: openai.AsyncOpenAI,
    offline_models: LoopbackServer,
    *,
    is_streamed: bool,
) -> None:
    await offline_models.wait_until_idle()
    if is_streamed:
        stream = await client.chat.completions.create(
            model="fault-stall-mid", messages=MESSAGES, stream=True
        )
        assert (await anext(stream)).choices[0].delta.role == "assistant"
        assert offline_models.server_state.tasks
        await stream.close()
    else:
        impatient = client.with_options(timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            await impatient.chat.completions.create(model="fault-stall-mid", messages=MESSAGES)
    await wait_until(lambda: not offline_models.server_state.tasks)
