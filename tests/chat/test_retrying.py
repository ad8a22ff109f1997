import asyncio

import httpx
import pytest

from tests.chat.reading import NO_DOCUMENTS, ask_stream, read_some, start, wait_for
from tests.chat.scripted import Script
from tests.fixtures.users import JSON, User

KEY = {"Idempotency-Key": "a key of mine"}


async def ask(http: httpx.AsyncClient, query: str = "Well?", **body: object) -> httpx.Response:
    request = {"query": query, **NO_DOCUMENTS, **body}
    return await http.post("/chat/query", json=request, headers=KEY)


async def test_a_question_sent_again_asks_the_model_once(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    first, again, there = [await ask(http) for http in (asker.http, asker.http, elsewhere)]
    assert first.status_code == 200
    assert first.json() == again.json() == there.json()
    assert len(script.requests) == 1


async def test_many_at_once_ask_the_model_once(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    answers = await asyncio.gather(*(ask(http) for http in [asker.http, elsewhere] * 6))
    assert len({answer.json()["message_id"] for answer in answers}) == 1
    assert len(script.requests) == 1
    assert len((await asker.http.get("/chat/sessions")).json()["items"]) == 1


async def test_a_stream_asked_for_again_is_followed(asker: User, script: Script) -> None:
    script.gate.clear()
    asker.http.headers.update(KEY)
    started = await start(asker)
    async with ask_stream(asker) as response:
        assert (await read_some(response, 1))[0].data == started
    script.gate.set()
    await wait_for(asker, started["message_id"], status="completed")
    assert len(script.requests) == 1


async def test_a_key_belongs_to_one_question(asker: User) -> None:
    await ask(asker.http)
    other = await ask(asker.http, "Something else?")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_key_belongs_to_one_user(user: User, stranger: User) -> None:
    mine, theirs = [await ask(one.http) for one in (user, stranger)]
    assert mine.json()["message_id"] != theirs.json()["message_id"]


async def test_a_question_that_was_refused_may_be_sent_again(asker: User) -> None:
    refused = await ask(asker.http, "word " * 6000)
    assert refused.json()["code"] == "prompt_too_long"
    assert (await ask(asker.http)).status_code == 200


async def test_a_regenerated_answer_is_made_once(asker: User, script: Script) -> None:
    answer: JSON = await asker.ask("Well?", **NO_DOCUMENTS)
    address = f"/chat/messages/{answer['message_id']}/regenerate"
    first, again = [await asker.http.post(address, headers=KEY) for _ in range(2)]
    assert first.json() == again.json()
    assert len(script.requests) == 2


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_has_a_length(asker: User, key: str) -> None:
    answer = await asker.http.post(
        "/chat/query", json={"query": "Well?"}, headers={"Idempotency-Key": key}
    )
    assert answer.status_code == 422
