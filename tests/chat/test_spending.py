"""What an answer took is counted however it ends: nobody chats for nothing by leaving early."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.chat.reading import NO_DOCUMENTS, ask_stream, read_some, wait_for
from tests.chat.scripted import Script
from tests.fixtures.days import stay_within_a_day
from tests.fixtures.servers import wait_until
from tests.fixtures.users import JSON, User

PIECES = ["One", " two", " three"]


async def get_usage(user: User) -> JSON:
    usage: JSON = (await user.http.get("/llm/usage")).json()
    return usage


async def wait_for_usage(user: User) -> JSON:
    async with asyncio.timeout(60):
        while not (items := (await get_usage(user))["items"]):
            await asyncio.sleep(0.01)
    item: JSON = items[0]
    return item


async def stop(user: User, started: JSON) -> None:
    await user.http.post(f"/chat/messages/{started['message_id']}/stop")


async def delete_chat(user: User, started: JSON) -> None:
    await user.http.delete(f"/chat/sessions/{started['session_id']}")


@pytest.mark.parametrize("cut", [stop, delete_chat])
async def test_an_answer_that_is_cut_counts_as_far_as_it_came(
    asker: User, script: Script, cut: Callable[[User, JSON], Awaitable[None]]
) -> None:
    await stay_within_a_day()
    script.say(*PIECES)
    script.gate.clear()
    async with ask_stream(asker, query="Count! " * 50) as response:
        started = (await read_some(response, 2))[0].data
    await wait_for(asker, started["message_id"], content="".join(PIECES))
    await cut(asker, started)
    await wait_until(lambda: script.cancelled == 1)
    item = await wait_for_usage(asker)
    assert (item["requests"], item["completion_tokens"]) == (1, len(PIECES))
    assert item["prompt_tokens"] > 50


async def test_a_stopped_answer_says_what_it_took(asker: User, script: Script) -> None:
    await stay_within_a_day()
    script.say(*PIECES)
    script.gate.clear()
    async with ask_stream(asker) as response:
        started = (await read_some(response, 2))[0].data
    await wait_for(asker, started["message_id"], content="".join(PIECES))
    await stop(asker, started)
    usage = (await wait_for(asker, started["message_id"], status="stopped"))["usage"]
    assert usage["completion_tokens"] == len(PIECES)
    assert (await get_usage(asker))["tokens_today"] == len(PIECES) + usage["prompt_tokens"]


async def test_an_answer_that_fails_counts_as_far_as_it_came(user: User) -> None:
    await user.stream("Hi", model="fault-error-mid", **NO_DOCUMENTS)
    (item,) = (await get_usage(user))["items"]
    assert (item["requests"], item["completion_tokens"]) == (1, 1)


async def test_an_answer_that_never_began_counts_nothing(asker: User, script: Script) -> None:
    script.refusals = [{"error": "no"}]
    refused = await asker.http.post("/chat/query", json={"query": "Q", **NO_DOCUMENTS})
    assert refused.status_code != 200
    assert (await get_usage(asker))["items"] == []


async def test_a_client_of_openai_that_leaves_pays_too(asker: User, script: Script) -> None:
    script.say(*PIECES)
    script.gate.clear()
    root = str(asker.http.base_url).removesuffix("/api/v1/")
    body = {
        "model": "scripted",
        "stream": True,
        "messages": [{"role": "user", "content": "Count! " * 50}],
    }
    async with (
        httpx.AsyncClient(headers=dict(asker.http.headers), trust_env=False, timeout=60) as http,
        http.stream("POST", f"{root}/v1/chat/completions", json=body) as response,
    ):
        received = ""
        async for text in response.aiter_text():
            received += text
            if "three" in received:
                break
    await wait_until(lambda: script.cancelled == 1)
    item = await wait_for_usage(asker)
    assert (item["requests"], item["completion_tokens"]) == (1, len(PIECES))
    assert item["prompt_tokens"] > 50
