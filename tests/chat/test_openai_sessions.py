"""Calls of the OpenAI-compatible API that are kept in a chat."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import UserFactory
from tests.fixtures.days import stay_within_a_day
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON, User, bearer

QUESTION = "Who discovered oxygen?"
MESSAGES: Any = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": QUESTION},
]
PATIENCE_SECONDS = 30


async def make_chat(user: User) -> str:
    created = await user.http.post("/chat/sessions", json={})
    assert created.status_code == 201, created.text
    session_id: str = created.json()["id"]
    return session_id


async def wait_for_answer(user: User, session_id: str, status: str) -> JSON:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            messages = await list_messages(user, session_id)
            if messages and messages[1]["status"] == status:
                return messages[1]
            await asyncio.sleep(0.02)


async def call(
    server: LoopbackServer, user: User, session_id: str | None, path: str = "chat/completions",
    **body: object,
) -> httpx.Response:  # fmt: skip
    asked = {"model": "offline-chat", "messages": MESSAGES, **body}
    headers = {} if session_id is None else {"X-Colloquy-Session": session_id}
    return await user.http.post(f"{server.url}/v1/{path}", json=asked, headers=headers)


async def list_messages(user: User, session_id: str) -> list[JSON]:
    response = await user.http.get(f"/chat/sessions/{session_id}/messages")
    assert response.status_code == 200, response.text
    messages: list[JSON] = response.json()["items"]
    return messages


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_call_is_kept_as_question_and_answer(
    server: LoopbackServer, user: User, *, is_streamed: bool
) -> None:
    await stay_within_a_day()
    session_id = await make_chat(user)
    responses = [await call(server, user, session_id, stream=is_streamed) for _ in range(2)]
    assert [response.status_code for response in responses] == [200, 200]
    first, answer, second, _ = await list_messages(user, session_id)
    assert (first["role"], first["content"], first["parent_id"]) == ("user", QUESTION, None)
    assert (answer["role"], answer["status"]) == ("assistant", "completed")
    assert (answer["parent_id"], second["parent_id"]) == (first["id"], answer["id"])
    assert "offline model" in answer["content"]
    assert answer["model"] == "offline-chat:latest"
    assert answer["usage"]["prompt_tokens"] > 0
    assert answer["usage"]["retrieval_ms"] == 0
    (spent,) = (await user.http.get("/llm/usage")).json()["items"]
    assert spent["completion_tokens"] == 2 * answer["usage"]["completion_tokens"]
    if not is_streamed:
        assert responses[0].json()["choices"][0]["message"]["content"] == answer["content"]


async def test_what_it_was_based_on_is_kept_with_it(server: LoopbackServer, user: User) -> None:
    await user.add_document("# Oxygen\n\nOxygen was discovered by Carl Wilhelm Scheele in 1773.\n")
    session_id = await make_chat(user)
    response = await call(server, user, session_id, model="offline-chat@docs")
    assert response.status_code == 200, response.text
    _, answer = await list_messages(user, session_id)
    (source,) = answer["sources"]
    assert (source["number"], source["is_cited"], source["filename"]) == (1, True, "notes.md")
    again = await user.http.post(f"/chat/messages/{answer['id']}/regenerate", json={})
    assert again.json()["sources"], again.text


@pytest.mark.parametrize("path", ["completions", "responses"])
async def test_the_other_endpoints_keep_as_well(
    server: LoopbackServer, user: User, path: str
) -> None:
    session_id = await make_chat(user)
    response = await call(server, user, session_id, path, prompt=QUESTION, input=QUESTION)
    assert response.status_code == 200, response.text
    assert (await list_messages(user, session_id))[0]["content"] == QUESTION


async def test_without_the_header_nothing_is_kept(server: LoopbackServer, user: User) -> None:
    session_id = await make_chat(user)
    assert (await call(server, user, None)).status_code == 200
    assert await list_messages(user, session_id) == []


async def test_the_chat_of_another_is_not_there(
    server: LoopbackServer, user: User, make_user: UserFactory
) -> None:
    owner = await make_user()
    session_id = await make_chat(owner)
    for name in (session_id, str(uuid4())):
        refused = await call(server, user, name)
        assert refused.status_code == 404
        assert refused.json()["error"]["code"] == "chat_session_not_found"
    assert await list_messages(owner, session_id) == []


async def test_a_key_needs_the_scope_of_chats(server: LoopbackServer, user: User) -> None:
    session_id = await make_chat(user)
    key = (await user.make_key("llm"))["key"]
    async with httpx.AsyncClient(headers=bearer(key), trust_env=False, timeout=100) as http:
        body = {"model": "offline-chat", "messages": MESSAGES}
        url = f"{server.url}/v1/chat/completions"
        assert (await http.post(url, json=body)).status_code == 200
        tied = await http.post(url, json=body, headers={"X-Colloquy-Session": session_id})
    assert (tied.status_code, tied.json()["error"]["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(
    ("session_id", "messages"),
    [("not-an-id", MESSAGES), (None, [*MESSAGES, {"role": "assistant", "content": "Well"}])],
)
async def test_what_cannot_be_kept_is_refused(
    server: LoopbackServer, user: User, session_id: str | None, messages: list[JSON]
) -> None:
    refused = await call(server, user, session_id or await make_chat(user), messages=messages)
    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "invalid_request_error"


async def test_a_question_with_a_character_that_no_database_takes(
    server: LoopbackServer, user: User
) -> None:
    session_id = await make_chat(user)
    odd = [{"role": "user", "content": "Who\0?"}]
    response = await call(server, user, session_id, messages=odd)
    assert response.status_code == 200, response.text
    assert (await list_messages(user, session_id))[0]["content"] == "Who?"


async def test_half_an_answer_is_kept_as_failed(server: LoopbackServer, user: User) -> None:
    session_id = await make_chat(user)
    await call(server, user, session_id, model="fault-error-mid", stream=True)
    _, answer = await list_messages(user, session_id)
    assert (answer["status"], answer["content"]) == ("failed", "Half")
    assert answer["error"]["code"] == "llm_failed"


async def test_what_never_began_is_not_kept(server: LoopbackServer, user: User) -> None:
    session_id = await make_chat(user)
    assert (await call(server, user, session_id, model="fault-busy")).status_code == 503
    assert await list_messages(user, session_id) == []


async def test_half_an_answer_whose_caller_left_is_kept_as_stopped(
    server: LoopbackServer, user: User
) -> None:
    session_id = await make_chat(user)
    body = {"model": "fault-stall-mid", "messages": MESSAGES, "stream": True}
    url = f"{server.url}/v1/chat/completions"
    headers = {"X-Colloquy-Session": session_id}
    async with user.http.stream("POST", url, json=body, headers=headers) as response:
        async for line in response.aiter_lines():
            if "Half" in line:
                break
    answer = await wait_for_answer(user, session_id, "stopped")
    assert answer["content"] == "Half"
    assert answer["usage"]["completion_tokens"] == 1


async def test_an_answer_is_in_its_chat_while_it_grows_and_can_be_stopped_there(
    server: LoopbackServer, user: User
) -> None:
    session_id = await make_chat(user)
    body = {"model": "fault-stall-mid", "messages": MESSAGES, "stream": True}
    headers = {"X-Colloquy-Session": session_id}
    async with user.http.stream(
        "POST", f"{server.url}/v1/chat/completions", json=body, headers=headers
    ) as response:
        answer = await wait_for_answer(user, session_id, "streaming")
        stopped = await user.http.post(f"/chat/messages/{answer['id']}/stop")
        assert (stopped.json()["status"], stopped.json()["content"]) == ("stopped", "Half")
        *_, last, done = [line async for line in response.aiter_lines() if line]
    assert '"finish_reason":"stop"' in last
    assert done == "data: [DONE]"


async def test_a_chat_that_is_deleted_meanwhile_costs_nobody_the_answer(
    server: LoopbackServer, user: User
) -> None:
    session_id = await make_chat(user)
    body = {"model": "fault-stall-mid", "messages": MESSAGES, "stream": True}
    url = f"{server.url}/v1/chat/completions"
    headers = {"X-Colloquy-Session": session_id}
    async with user.http.stream("POST", url, json=body, headers=headers) as response:
        async for line in response.aiter_lines():
            if "Half" in line:
                assert (await user.http.delete(f"/chat/sessions/{session_id}")).is_success
                break
    await server.wait_until_idle()
    assert (await call(server, user, None)).status_code == 200
