"""The offline server as Ollama's own clients meet it: raw requests, exact bodies."""

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import httpx
import pytest

from src.llm.offline.app import create_offline_app
from src.llm.offline.encoding import encode_object, format_timestamp
from src.llm.offline.faults import FAULTS
from src.llm.offline.tokens import count_tokens, keep_first_tokens, split_tokens
from tests.fixtures.servers import LoopbackServer, run_server

CHAT = {"model": "offline-chat", "messages": [{"role": "user", "content": "Hi & <you>"}]}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@pytest.fixture(scope="module")
async def offline_models() -> AsyncIterator[LoopbackServer]:
    """None that others ask: which models are in memory is looked at."""
    async with run_server(create_offline_app(faults=FAULTS, token_delay_seconds=0)) as server:
        yield server


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/api/version", "/api/tags"])
async def test_probes_answer_get_and_head(raw: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await raw.request(method, path)).status_code == 200


async def test_the_banner(raw: httpx.AsyncClient) -> None:
    assert (await raw.get("/")).text == "Ollama is running"


async def test_tags_describe_the_models(raw: httpx.AsyncClient) -> None:
    reply = await raw.get("/api/tags")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    chat, embed = reply.json()["models"][:2]
    assert (chat["name"], chat["model"]) == ("offline-chat:latest", "offline-chat:latest")
    assert re.fullmatch("[0-9a-f]{64}", chat["digest"])
    assert TIMESTAMP.fullmatch(chat["modified_at"])
    assert "embedding_length" not in chat["details"]
    assert embed["details"]["embedding_length"] > 0
    assert embed["capabilities"] == ["embedding"]


async def test_show_tells_the_context_length(raw: httpx.AsyncClient) -> None:
    shown = (await raw.post("/api/show", json={"name": "OFFLINE-chat:latest"})).json()
    architecture = shown["model_info"]["general.architecture"]
    assert shown["model_info"][f"{architecture}.context_length"] == 32_768
    assert shown["capabilities"] == ["completion"]


async def test_an_answer_streams_as_ndjson(raw: httpx.AsyncClient) -> None:
    reply = await raw.post("/api/chat", json=CHAT)
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    *pieces, last = map(json.loads, reply.content.splitlines())
    assert pieces[0]["model"] == "offline-chat"
    assert TIMESTAMP.fullmatch(pieces[0]["created_at"])
    assert set(pieces[0]) == {"model", "created_at", "message", "done"}
    assert (last["done"], last["done_reason"], last["message"]["content"]) == (True, "stop", "")
    assert last["eval_count"] == len(pieces)


async def test_an_answer_comes_whole_when_asked_to(raw: httpx.AsyncClient) -> None:
    whole = (await raw.post("/api/chat", json={**CHAT, "stream": False})).json()
    assert whole["done"] is True
    assert "built-in offline model" in whole["message"]["content"]


async def test_generate_has_its_own_shape(raw: httpx.AsyncClient) -> None:
    body = {"model": "offline-chat", "prompt": "Hi", "system": "Be kind.", "stream": False}
    reply = (await raw.post("/api/generate", json=body)).json()
    assert "built-in offline model" in reply["response"]
    assert "message" not in reply


async def test_stop_texts_end_the_answer(raw: httpx.AsyncClient) -> None:
    body = {**CHAT, "stream": False, "options": {"stop": ["passages", "I am"]}}
    reply = (await raw.post("/api/chat", json=body)).json()
    assert reply["message"]["content"] == "There are no "


async def test_an_empty_prompt_loads_and_unloads(raw: httpx.AsyncClient) -> None:
    load = {"model": "offline-chat", "keep_alive": "1h", "options": {"num_ctx": 2048}}
    assert (await raw.post("/api/chat", json=load)).json()["done_reason"] == "load"
    loaded = {model["name"]: model for model in (await raw.get("/api/ps")).json()["models"]}
    assert loaded["offline-chat:latest"]["context_length"] == 2048
    unload = await raw.post("/api/chat", json={**load, "keep_alive": 0})
    assert unload.json()["done_reason"] == "unload"
    names = [model["name"] for model in (await raw.get("/api/ps")).json()["models"]]
    assert "offline-chat:latest" not in names


@pytest.mark.parametrize("keep_alive", [-1, "-1m"])
async def test_endless_keep_alive_ends_far_away(
    raw: httpx.AsyncClient, keep_alive: int | str
) -> None:
    await raw.post("/api/embed", json={"model": "offline-embed", "keep_alive": keep_alive})
    (loaded,) = [m for m in (await raw.get("/api/ps")).json()["models"] if "embed" in m["name"]]
    assert loaded["expires_at"] > "2300"


async def test_embeddings_of_one_many_and_none(raw: httpx.AsyncClient) -> None:
    async def embed(**body: object) -> list[list[float]]:
        reply = await raw.post("/api/embed", json={"model": "offline-embed", **body})
        vectors: list[list[float]] = reply.json()["embeddings"]
        return vectors

    (one,) = await embed(input="a fox")
    assert await embed(input=["a fox", ""]) == [one, (await embed(input=[""]))[0]]
    assert sum(value * value for value in one) == pytest.approx(1)
    assert await embed(input="") == await embed() == []
    (short,) = await embed(input="a fox", dimensions=8)
    assert len(short) == 8
    assert sum(value * value for value in short) == pytest.approx(1)


async def test_long_input_is_cut_or_refused(raw: httpx.AsyncClient) -> None:
    body = {"model": "offline-embed", "input": "word " * 50, "options": {"num_ctx": 10}}
    assert (await raw.post("/api/embed", json=body)).json()["prompt_eval_count"] == 10
    refused = await raw.post("/api/embed", json={**body, "truncate": False})
    assert refused.status_code == 400
    assert refused.json() == {"error": "the input length exceeds the context length"}


async def test_the_older_embedding_route(raw: httpx.AsyncClient) -> None:
    body = {"model": "offline-embed", "prompt": "a fox"}
    assert len((await raw.post("/api/embeddings", json=body)).json()["embedding"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/api/chat", {"model": "x", "messages": []}, 404, "model 'x' not found"),
        ("POST", "/api/chat", {}, 400, "model is required"),
        ("POST", "/api/chat", None, 400, "missing request body"),
        ("POST", "/api/chat", {"model": "offline-embed"}, 400,
         '"offline-embed" does not support chat'),
        ("POST", "/api/chat", {**CHAT, "think": True}, 400,
         '"offline-chat" does not support thinking'),
        ("POST", "/api/chat", {**CHAT, "tools": [{}]}, 400, "offline-chat does not support tools"),
        ("POST", "/api/chat", {**CHAT, "keep_alive": "300"}, 400,
         'time: missing unit in duration "300"'),
        ("POST", "/api/generate", {}, 404, "model '' not found"),
        ("POST", "/api/generate", {"model": "offline-embed"}, 400,
         '"offline-embed" does not support generate'),
        ("POST", "/api/embed", {"model": "x"}, 404,
         'model "x" not found, try pulling it first'),
        ("POST", "/api/show", {}, 400, "model is required"),
        ("POST", "/api/show", {"model": "a b"}, 400, "invalid model name"),
        ("POST", "/api/show", {"model": "x"}, 404, "model 'x' not found"),
        ("DELETE", "/api/delete", {"model": "x"}, 404, "model 'x' not found"),
        ("DELETE", "/api/delete", {"model": "offline-chat"}, 400,
         "model 'offline-chat:latest' is built in and cannot be deleted"),
    ],
)  # fmt: skip
async def test_refusals(
    raw: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, object] | None,
    status: int,
    error: str,
) -> None:
    reply = await raw.request(method, path, content=None if body is None else json.dumps(body))
    assert (reply.status_code, reply.json()) == (status, {"error": error})


async def test_a_wrong_type_is_refused(raw: httpx.AsyncClient) -> None:
    reply = await raw.post("/api/chat", json={"model": 5})
    assert reply.status_code == 400
    assert reply.json()["error"].startswith("json: cannot unmarshal")


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/nowhere", 404, "404 page not found"),
        ("GET", "/api/chat", 405, "405 method not allowed"),
    ],
)
async def test_the_router_speaks_plain_text(
    raw: httpx.AsyncClient, method: str, path: str, status: int, text: str
) -> None:
    reply = await raw.request(method, path)
    assert (reply.status_code, reply.text) == (status, text)
    assert reply.headers["Content-Type"].startswith("text/plain")


async def test_a_foreign_host_is_refused(raw: httpx.AsyncClient) -> None:
    reply = await raw.get("/api/tags", headers={"Host": "evil.example"})
    assert (reply.status_code, reply.content) == (403, b"")


async def test_pulling_a_built_in_model_succeeds(raw: httpx.AsyncClient) -> None:
    reply = await raw.post("/api/pull", json={"model": "offline-chat"})
    lines = [json.loads(line) for line in reply.content.splitlines()]
    assert [lines[0]["status"], lines[-1]["status"]] == ["pulling manifest", "success"]
    assert lines[1]["completed"] == lines[1]["total"]


async def test_pulling_another_model_fails_midway(raw: httpx.AsyncClient) -> None:
    reply = await raw.post("/api/pull", json={"model": "llama3.2"})
    assert reply.status_code == 200
    error = json.loads(reply.content.splitlines()[-1])
    assert error == {"error": "pull model manifest: file does not exist"}


async def test_headers_wait_for_the_first_line(
    raw: httpx.AsyncClient, offline_models: LoopbackServer
) -> None:
    request = raw.build_request(
        "POST",
        "/api/chat",
        json={"model": "fault-stall-first"},
        timeout=httpx.Timeout(100, read=0.2),
    )
    with pytest.raises(httpx.ReadTimeout):
        await raw.send(request, stream=True)
    await offline_models.wait_until_idle()


async def test_old_messages_make_room_for_the_last(raw: httpx.AsyncClient) -> None:
    messages = [
        {"role": "system", "content": "Rules."},
        {"role": "user", "content": "long " * 400},
        {"role": "user", "content": "Hi?"},
    ]
    body = {"model": "offline-chat", "messages": messages, "options": {"num_ctx": 64}}
    last = json.loads((await raw.post("/api/chat", json=body)).content.splitlines()[-1])
    assert last["prompt_eval_count"] == count_tokens("Rules.") + count_tokens("Hi?")


def test_json_is_escaped_as_go_does() -> None:
    assert encode_object({"a": "<&>\u2028\u0085é"}) == (
        b'{"a":"\\u003c\\u0026\\u003e\\u2028' + "\u0085é".encode() + b'"}'
    )


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (1_000_000_001, "1970-01-01T00:00:01.000000001Z"),
    ],
)
def test_timestamps_have_up_to_nine_digits(nanoseconds: int, expected: str) -> None:
    assert format_timestamp(nanoseconds) == expected


@pytest.mark.parametrize("text", ["", "Hello, world!  ", "naïve\n\n日本語のテキスト", "a" * 20])
def test_tokens_are_the_text(text: str) -> None:
    tokens = split_tokens(text)
    assert "".join(tokens) == text
    assert count_tokens(text) == len(tokens)
    assert keep_first_tokens(text, 2) == "".join(tokens[:2])


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_announces_itself_and_ends(end: signal.Signals) -> None:
    command = (sys.executable, "-m", "src.llm.offline", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert re.fullmatch(r"listening on http://127\.0\.0\.1:\d+\n", line)
    async with httpx.AsyncClient(base_url=line.split()[-1], trust_env=False, timeout=100) as http:
        assert (await http.get("/api/version")).status_code == 200
    process.send_signal(end)
    assert await process.wait() in {0, -end}
