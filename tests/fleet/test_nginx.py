"""A real nginx with the configuration of the deployment, before two APIs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.chat.reading import NO_DOCUMENTS
from tests.chat.scripted import Script
from tests.deployment.nginx import NGINX, make_nginx
from tests.fixtures.users import JSON, PASSWORD, User, sign_up
from tests.fleet.fleet import Fleet
from tests.fleet.parts import Part

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(NGINX is None, reason="Debian's nginx is not installed"),
]

SCRIPTED = {"query": "Well?", "model": "scripted", **NO_DOCUMENTS}


@pytest.fixture(scope="session")
async def nginx(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Part]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    nginx = make_nginx(folder, [int(api.url.rpartition(":")[2]) for api in fleet.apis])
    await nginx.start()
    yield nginx
    await nginx.stop()


@pytest.fixture
async def visitor(nginx: Part) -> AsyncIterator[User]:
    async with sign_up(nginx.api_url) as user:
        yield user


async def test_events_leave_before_the_answer_ends(visitor: User, script: Script) -> None:
    """The model waits for the gate, and the gate for what was received: a buffer would hang."""
    script.say("One", " two")
    async with visitor.http.stream("POST", "/chat/query/stream", json=SCRIPTED) as response:
        received = ""
        async for text in response.aiter_text():
            received += text
            if '"One' in received:
                script.gate.set()
    assert '"message.completed"' in received


async def test_events_of_the_openai_api_do_too(nginx: Part, visitor: User, script: Script) -> None:
    script.say("One", " two")
    question = {"model": "scripted", "stream": True, "messages": [{"role": "user", "content": "?"}]}
    url = f"{nginx.url}/v1/chat/completions"
    async with visitor.http.stream("POST", url, json=question) as response:
        received = ""
        async for text in response.aiter_text():
            received += text
            if "One" in received:
                script.gate.set()
    assert received.rstrip().endswith("[DONE]")


async def test_websockets_are_upgraded(nginx: Part, visitor: User, script: Script) -> None:
    script.gate.set()
    async with connect(f"{nginx.api_url.replace('http', 'ws', 1)}/chat/ws", proxy=None) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": visitor.token}))
        assert json.loads(await socket.recv()) == {"type": "ready"}
        await socket.send(json.dumps({"type": "ask", "ref": "r", "query": SCRIPTED}))
        frames: list[JSON] = [json.loads(await socket.recv())]
        while frames[-1]["event"]["type"] != "message.completed":
            frames.append(json.loads(await socket.recv()))
    assert frames[-1]["event"]["message"]["content"] == "Yes."


async def test_it_is_we_who_say_what_is_too_large(visitor: User) -> None:
    refused = await visitor.http.post("/documents/search", json={"query": "x" * 2_000_000})
    assert refused.status_code == 413
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["request_id"] == refused.headers["X-Request-ID"]
    large = b"The keeper wrote this line again and again.\n\n" * 60_000
    uploaded = await visitor.upload(("large.md", large))
    assert uploaded.status_code == 202, uploaded.text
    document_id = uploaded.json()["results"][0]["document"]["id"]
    assert (await visitor.http.get(f"/documents/{document_id}/content")).content == large
    assert (await visitor.http.delete(f"/documents/{document_id}")).status_code == 204


async def test_nobody_chooses_the_address_they_come_from(visitor: User) -> None:
    tokens = await visitor.log_in(PASSWORD, **{"X-Forwarded-For": "203.0.113.7"})
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    logins = await visitor.http.get("/auth/logins", headers=headers)
    assert "203.0.113.7" not in logins.text
    assert "127.0.0.1" in logins.text


async def test_metrics_are_not_for_everybody(nginx: Part) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{nginx.url}/metrics")).status_code == 404


async def test_the_others_answer_for_one_that_is_dead(fleet: Fleet, visitor: User) -> None:
    await fleet.apis[0].kill()
    answers = [await visitor.http.get("/auth/me") for _ in range(20)]
    assert [answer.status_code for answer in answers] == [200] * 20


async def test_no_process_at_all_is_a_problem_as_every_other(fleet: Fleet, visitor: User) -> None:
    for api in fleet.apis:
        await api.kill()
    refused = await visitor.http.get("/auth/me")
    assert refused.status_code == 503
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "2"
    problem = refused.json()
    assert (problem["status"], problem["code"]) == (503, "unavailable")
    assert problem["request_id"]
