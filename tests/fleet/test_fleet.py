"""Two APIs and two workers as one: what begins in one process goes on in any other."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.chat.reading import ask_stream, read_some, resume, start, wait_for
from tests.chat.scripted import Script
from tests.fixtures.users import JSON, User, join_text
from tests.fleet.fleet import Fleet

pytestmark = pytest.mark.timeout(300)

SCRIPTED = {"model": "scripted"}
MANY = 30


@asynccontextmanager
async def open_socket(url: str, token: str) -> AsyncIterator[ClientConnection]:
    async with connect(f"{url.replace('http', 'ws', 1)}/api/v1/chat/ws", proxy=None) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": token}))
        assert await receive(socket) == {"type": "ready"}
        yield socket


async def receive(socket: ClientConnection) -> JSON:
    async with asyncio.timeout(60):
        frame: JSON = json.loads(await socket.recv())
        return frame


async def test_an_answer_is_followed_through_another_process(
    user: User, elsewhere: User, script: Script
) -> None:
    script.say("One", " two", " three")
    async with ask_stream(user, **SCRIPTED) as response:
        begun = await read_some(response, 2)  # That it started, and the first words.
    message_id = begun[0].data["message_id"]
    following = asyncio.create_task(resume(elsewhere.http, message_id, begun[-1].id))
    await wait_for(elsewhere, message_id, seconds=60, content="One two three")
    script.gate.set()
    rest = await following
    assert join_text([*begun, *rest]) == "One two three"
    assert rest[-1].type == "message.completed"
    assert rest[-1].data["message"]["content"] == "One two three"


async def test_an_answer_is_followed_over_a_websocket_of_another_process(
    fleet: Fleet, user: User, script: Script
) -> None:
    script.say("Four", " five")
    message_id = (await start(user, **SCRIPTED))["message_id"]
    async with open_socket(fleet.apis[1].url, user.token) as socket:
        await socket.send(json.dumps({"type": "resume", "ref": "r", "message_id": message_id}))
        frames = [await receive(socket)]
        script.gate.set()
        while frames[-1]["event"]["type"] not in ("message.completed", "error"):
            frames.append(await receive(socket))
    events = [frame["event"] for frame in frames]
    assert (events[0]["type"], events[-1]["type"]) == ("message.started", "message.completed")
    said = "".join(event["text"] for event in events if event["type"] == "answer.delta")
    assert said == events[-1]["message"]["content"] == "Four five"


async def test_an_answer_is_stopped_through_another_process(
    user: User, elsewhere: User, script: Script
) -> None:
    script.say("Six", " seven")
    message_id = (await start(user, **SCRIPTED))["message_id"]
    await wait_for(elsewhere, message_id, seconds=60, content="Six seven")
    following = asyncio.create_task(resume(user.http, message_id, None))
    stopped = await elsewhere.http.post(f"/chat/messages/{message_id}/stop")
    assert stopped.status_code == 200, stopped.text
    events = await following
    assert events[-1].data["message"]["status"] == "stopped"
    message = await wait_for(elsewhere, message_id, seconds=60, status="stopped")
    assert message["content"] == "Six seven"
    assert script.cancelled == 1  # The model was let go; the gate was never opened.


async def test_a_login_that_ends_in_one_process_ends_in_all(user: User, elsewhere: User) -> None:
    assert (await elsewhere.http.get("/auth/me")).status_code == 200
    assert (await user.http.post("/auth/logout")).status_code == 204
    assert (await elsewhere.http.get("/auth/me")).status_code == 401


async def test_wrong_passwords_count_over_all_processes(
    fleet: Fleet, user: User, elsewhere: User
) -> None:
    guess = {"username": user.username, "password": "wrong horse 1"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        for attempt in range(10):
            url = fleet.apis[attempt % 2].api_url
            assert (await http.post(f"{url}/auth/token", data=guess)).status_code == 401
        for api in fleet.apis:
            refused = await http.post(f"{api.api_url}/auth/token", data=guess)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
            assert int(refused.headers["Retry-After"]) > 0
    assert (await elsewhere.http.get("/auth/me")).status_code == 200


async def test_any_worker_indexes_what_any_api_took_and_once(
    fleet: Fleet, user: User, elsewhere: User
) -> None:
    texts = [
        (f"{n}.md", f"The keeper of lamp {n} is called Ada {n}.".encode()) for n in range(MANY)
    ]
    taken = [*(await user.upload(*texts[::2])).json()["results"]]
    taken += (await elsewhere.upload(*texts[1::2])).json()["results"]
    ids = [result["document"]["id"] for result in taken]
    assert len(set(ids)) == MANY
    for document_id in ids:
        await user.wait_for(document_id, seconds=120)
    async with httpx.AsyncClient(trust_env=False) as http:
        writes = (await http.get(f"{fleet.vectors.url}/writes")).json()["result"]
    chunk_ids = [await get_only_chunk(user, document_id) for document_id in ids]
    assert [writes[chunk_id] for chunk_id in chunk_ids] == [1] * MANY
    found = await elsewhere.search("Ada 17", limit=1)
    assert "lamp 17" in found[0]["text"]
    code, report = await fleet.run("verify")
    assert code == 0, report


async def get_only_chunk(user: User, document_id: str) -> str:
    chunks = (await user.http.get(f"/documents/{document_id}/chunks")).json()["items"]
    assert len(chunks) == 1
    chunk_id: str = chunks[0]["id"]
    return chunk_id
