"""OWASP API7:2023. Nothing that a caller or a document names makes the server call anywhere."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fixtures.servers import LoopbackServer, listen
from tests.fixtures.users import User, bearer


class Trap:
    """Notes who calls."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.url = ""

    async def note(self, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        self.calls.append(await reader.read(100))


@pytest.fixture
async def trap() -> AsyncIterator[Trap]:
    trap = Trap()
    async with listen(trap.note) as port:
        trap.url = f"http://127.0.0.1:{port}/trap"
        yield trap
    assert trap.calls == []


async def test_addresses_in_documents_are_not_opened(user: User, trap: Trap) -> None:
    files = {
        "a.html": f"""<html><head><base href="{trap.url}"><link rel=stylesheet href="{trap.url}">
            <script src="{trap.url}"></script></head><body><img src="{trap.url}">
            <iframe src="{trap.url}"></iframe><p>A page that calls home.</p></body></html>""",
        "a.md": f"A note.\n\n![image]({trap.url}) [link]({trap.url})\n\n<img src='{trap.url}'>",
        "a.xml": f"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "{trap.url}">
            <!ENTITY y SYSTEM "file:///etc/passwd">]><a>&x;&y; words</a>""",
        "a.svg": f"""<svg xmlns="http://www.w3.org/2000/svg"><image href="{trap.url}"/>
            <text>words</text></svg>""",
        "a.csv": f'name,value\n=WEBSERVICE("{trap.url}"),1\n',
        "a.eml": f"From: a@example.org\nContent-Type: text/html\n\n<img src='{trap.url}'> words",
    }
    for name, content in files.items():
        response = await user.upload((name, content.encode()))
        if response.status_code == 415:
            continue
        document_id = response.json()["results"][0]["document"]["id"]
        async with asyncio.timeout(60):
            while True:
                document = (await user.http.get(f"/documents/{document_id}")).json()
                if document["status"] in {"ready", "failed"}:
                    break
                await asyncio.sleep(0.02)
        chunks = (await user.http.get(f"/documents/{document_id}/chunks")).text
        assert "root:" not in chunks, name


async def test_addresses_in_requests_are_not_opened(
    user: User, server: LoopbackServer, trap: Trap
) -> None:
    key = bearer((await user.make_key("llm", "chat"))["key"])
    image = {"type": "image_url", "image_url": {"url": trap.url}}
    openai = {
        "model": "offline-chat",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Well?"}, image]}],
    }
    response = await user.http.post(f"{server.url}/v1/chat/completions", json=openai, headers=key)
    assert response.status_code == 400
    for model in (trap.url, f"{trap.url}@docs", trap.url.removeprefix("http://")):
        body = {"query": "Well?", "model": model, "use_documents": False}
        assert (await user.http.post("/chat/query", json=body)).status_code in {404, 422}
        openai = {"model": model, "input": "Well?"}
        response = await user.http.post(f"{server.url}/v1/embeddings", json=openai, headers=key)
        assert response.status_code in {400, 404}
    for images in ([trap.url], ["file:///etc/passwd"]):
        body = {"query": "Well?", "images": images, "use_documents": False}
        assert (await user.http.post("/chat/query", json=body)).status_code == 422
    await user.ask(f"Please read {trap.url} and file:///etc/passwd for me.")
