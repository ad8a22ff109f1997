"""What the log says of a request, and what it never says."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from src.config import Settings
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.servers import wait_until
from tests.fixtures.users import JSON, PASSWORD, User, sign_up

CANARY = "canary"


@pytest.fixture
async def colloquy(settings: Settings, tmp_path: Path) -> AsyncIterator[Colloquy]:
    """A server that tells as much as it can."""
    assert settings.ollama.url is not None
    async with run_colloquy(
        tmp_path / "data",
        OLLAMA_URL=settings.ollama.url,
        OLLAMA_CHAT_MODEL="offline-chat",
        OLLAMA_EMBED_MODEL="offline-embed",
        LOG_LEVEL="DEBUG",
        LOG_FORMAT="json",
    ) as colloquy:
        yield colloquy


async def wait_for_lines(colloquy: Colloquy, request_id: str) -> list[JSON]:
    """Return what is told of a request, which ends after its client has the answer."""
    async with asyncio.timeout(60):
        while not any(line["event"] == "request" for line in read_lines(colloquy, request_id)):
            await asyncio.sleep(0.02)
    return read_lines(colloquy, request_id)


def read_lines(colloquy: Colloquy, request_id: str) -> list[JSON]:
    written = colloquy.log.rpartition("\n")[0]  # The last line may be half there.
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    told = [line for line in lines if line["level"] != "debug"]
    return [line for line in told if line.get("request_id") == request_id]


async def test_each_line_says_which_request_and_whose(colloquy: Colloquy) -> None:
    async with sign_up(colloquy.api_url) as user:
        chat = (await user.http.post("/chat/sessions", json={"title": "Mine"})).json()
        body = {"query": "Well?", "model": "fault-500", "session_id": chat["id"]}
        headers = {"X-Request-ID": "of-this-test"}
        failed = await user.http.post("/chat/query", json=body, headers=headers)
        assert failed.status_code >= 500
        headers["X-Request-ID"] = "of-a-document"
        await user.http.get(f"/documents/{chat['id']}", headers=headers)
        await user.http.get("/nowhere", headers={"X-Request-ID": "of-nothing"})
    lines = await wait_for_lines(colloquy, "of-this-test")
    assert {line["event"] for line in lines} == {"request failed", "request"}
    for line in lines:
        assert (line["user_id"], line["route"]) == (user.id, "/api/v1/chat/query")
    assert lines[-1]["status"] == failed.status_code
    assert lines[-1]["duration_ms"] > 0
    (line,) = await wait_for_lines(colloquy, "of-a-document")
    assert line["route"] == "/api/v1/documents/{document_id}"
    (line,) = await wait_for_lines(colloquy, "of-nothing")
    assert (line["route"], line["status"]) == ("unmatched", 404)


async def test_what_is_refused_before_it_is_a_request_has_an_id_and_a_line(
    colloquy: Colloquy,
) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
        response = await http.get(f"{colloquy.url}/{'a' * 9000}")
    request_id = response.headers["X-Request-ID"]
    assert response.json()["request_id"] == request_id
    await wait_until(lambda: bool(read_lines(colloquy, request_id)))
    (line,) = read_lines(colloquy, request_id)
    assert (line["event"], line["status"]) == ("request refused", 414)


async def test_the_log_holds_nothing_of_what_people_write_or_know(colloquy: Colloquy) -> None:
    async with sign_up(colloquy.api_url) as user:
        canaries = [user.username, user.token, user.refresh_token, PASSWORD]
        canaries += await send_canaries(colloquy, user)
    log = colloquy.log
    assert "request failed" in log
    assert [canary for canary in canaries if canary in log] == []
    assert CANARY not in log


async def send_canaries(colloquy: Colloquy, user: User) -> list[str]:
    """Send something to recognise in every place that a request has; return what to look for."""
    http, key = user.http, (await user.make_key("chat", "llm", "documents:write"))["key"]
    text = f"The {CANARY} sings in the mine."
    await user.add_document(text * 30, f"{CANARY}.md", title=f"A {CANARY}", tags=CANARY)
    await user.upload((f"{CANARY}.pdf", b"%PDF-1.7 canary, but no PDF"))
    await user.search(f"Where does the {CANARY} sing?")
    await user.ask(f"Where does the {CANARY} sing?")
    await user.stream(f"Where does the {CANARY} sing?")
    for model in ("fault-500", "fault-garbage", "fault-cut", CANARY):
        body = {"query": f"Does the {CANARY} sing?", "model": model}
        await http.post("/chat/query", json=body)
        openai = {"model": model, "messages": [{"role": "user", "content": CANARY}]}
        await http.post(
            f"{colloquy.url}/v1/chat/completions",
            json=openai,
            headers={"Authorization": f"Bearer {key}"},
        )
    await http.post("/llm/embeddings", json={"texts": [text], "input": text})
    await http.post("/auth/token", data={"username": CANARY, "password": f"{CANARY} 1"})
    await http.post("/auth/register", json={"username": CANARY, "password": f"{CANARY}1 2"})
    await http.post("/auth/refresh", json={"refresh_token": f"{CANARY}-refresh"})
    await http.get("/auth/me", headers={"Authorization": f"Bearer {CANARY}.a.b"})
    await http.get("/auth/me", headers={"X-API-Key": f"cq_{CANARY}", "User-Agent": CANARY})
    await http.get(f"/chat/search?q={CANARY}&cursor={CANARY}")
    await http.get(f"/{CANARY}/{CANARY}?{CANARY}={CANARY}")
    await http.get("/documents", params={"q": f"{CANARY}\0"})
    await http.post("/chat/sessions", json={"title": f"{CANARY}\0"})
    await http.post("/chat/sessions", content=f'{{"title": "{CANARY}')
    await http.post("/documents", content=f"--{CANARY}", headers={"Content-Type": CANARY})
    await http.post("/chat/sessions", json={CANARY: [CANARY]})
    address = colloquy.api_url.replace("http", "ws", 1)
    async with connect(f"{address}/chat/ws?token={CANARY}", proxy=None, open_timeout=100) as socket:
        await socket.send(json.dumps({"type": "authenticate", "token": user.token}))
        query = {"query": f"Does the {CANARY} sing?", "use_documents": False}
        await socket.send(json.dumps({"type": "ask", "ref": CANARY, "query": query}))
        async for frame in socket:
            if "message.completed" in str(frame):
                break
        await socket.send(secrets.token_hex() + CANARY)
    return [key]
