"""OWASP API4:2023. Nobody gets more of the server than their share, whatever they send."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from src.config import RateLimitSettings
from src.protocol import guard
from tests.conftest import UNLIMITED
from tests.fixtures.servers import LoopbackServer, wait_until
from tests.fixtures.users import User, bearer, sign_up
from tests.security.conftest import ServerFactory


def limit(**limits: float) -> RateLimitSettings:
    return UNLIMITED.model_copy(update=limits)


def assert_refused(response: httpx.Response, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (429, code), response.text
    assert int(response.headers["Retry-After"]) > 0


async def test_a_user_has_so_many_requests_a_minute(run_with: ServerFactory) -> None:
    async with (
        run_with(rate_limit=limit(requests_per_minute=5)) as server,
        sign_up(server.api_url) as user,
        sign_up(server.api_url) as other,
    ):
        statuses = [(await user.http.get("/auth/me")).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        assert_refused(await user.http.get("/chat/sessions"), "too_many_requests")
        assert (await other.http.get("/auth/me")).status_code == 200


async def test_an_api_key_uses_up_its_own_share_and_its_users(run_with: ServerFactory) -> None:
    async with (
        run_with(rate_limit=limit(requests_per_minute=12, api_key_share=0.5)) as server,
        sign_up(server.api_url) as user,
    ):
        first, second = [(await user.make_key("chat"))["key"] for _ in range(2)]

        async def ask(key: str) -> httpx.Response:
            return await user.http.get("/auth/me", headers=bearer(key))

        assert [(await ask(first)).status_code for _ in range(9)] == [200] * 6 + [429] * 3
        assert_refused(await ask(first), "too_many_requests")
        # Two were spent on making the keys; what the first was refused costs nobody.
        assert [(await ask(second)).status_code for _ in range(4)] == [200] * 4
        assert_refused(await ask(second), "too_many_requests")
        assert_refused(await user.http.get("/auth/me"), "too_many_requests")


async def test_models_have_a_limit_of_their_own(run_with: ServerFactory) -> None:
    async with (
        run_with(rate_limit=limit(model_requests_per_minute=2)) as server,
        sign_up(server.api_url) as user,
    ):
        for _ in range(2):
            await user.ask("Well?", use_documents=False)
        body = {"query": "Well?", "use_documents": False}
        assert_refused(await user.http.post("/chat/query", json=body), "too_many_requests")
        key = (await user.make_key("llm"))["key"]
        openai = await user.http.post(
            f"{server.url}/v1/embeddings",
            json={"model": "offline-embed", "input": "Well?"},
            headers=bearer(key),
        )
        assert openai.status_code == 429
        assert openai.json()["error"]["code"] == "too_many_requests"
        assert (await user.http.get("/chat/sessions")).status_code == 200


async def test_a_user_has_so_many_streams_at_once(run_with: ServerFactory) -> None:
    body = {"query": "Well?", "model": "fault-stall-first", "use_documents": False}
    async with (
        run_with(rate_limit=limit(streams_at_once=1)) as server,
        sign_up(server.api_url) as user,
        user.http.stream("POST", "/chat/query/stream", json=body) as stream,
    ):
        assert stream.status_code == 200
        assert_refused(await user.http.post("/chat/query", json=body), "too_many_at_once")
        await stream.aclose()
        await server.wait_until_idle()
        answer = {"query": "Well?", "use_documents": False}
        assert (await user.http.post("/chat/query", json=answer)).status_code == 200


async def test_a_user_has_so_many_uploads_at_once(run_with: ServerFactory) -> None:
    is_over = asyncio.Event()

    async def send_slowly() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nA'
        await is_over.wait()
        yield b"\r\n--x--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with (
        run_with(rate_limit=limit(uploads_at_once=1)) as server,
        sign_up(server.api_url) as user,
    ):

        def begin() -> asyncio.Task[httpx.Response]:
            sent = user.http.post("/documents", content=send_slowly(), headers=headers)
            return asyncio.create_task(sent)

        slow, pause = begin(), 0.1
        await asyncio.sleep(pause)
        while (refused := await user.upload(("b.md", b"B"))).status_code == 202:
            if slow.done():  # It came second, and was refused itself.
                slow, pause = begin(), 2 * pause
            await asyncio.sleep(pause)
        assert_refused(refused, "too_many_at_once")
        is_over.set()
        assert (await slow).status_code == 202
        assert (await user.upload(("c.md", b"C"))).status_code == 202


@pytest.mark.parametrize("opened", ["[", '{"a":', '[{"a":', "[1,"])
@pytest.mark.parametrize("depth", [65, 500, 100_000])
@pytest.mark.parametrize("path", ["/chat/sessions", "/chat/query", "/v1/chat/completions"])
async def test_deep_json_is_malformed_wherever_it_goes(
    user: User, server: LoopbackServer, path: str, opened: str, depth: int
) -> None:
    closed = "".join({"[": "]", "{": "}"}.get(sign, "") for sign in reversed(opened))
    content = opened * depth + "1" + closed * depth
    key = (await user.make_key("llm", "chat"))["key"]
    url = f"{server.url}{path}" if path.startswith("/v1") else path
    headers = {"Content-Type": "application/json", **bearer(key)}
    response = await user.http.post(url, content=content, headers=headers)
    assert response.status_code in {400, 413, 422}, response.text
    if len(content) < 1_000_000:
        body = response.json()
        assert (body["error"]["code"] if "error" in body else body["code"]) == "json_too_deep"


async def test_wide_json_and_brackets_in_strings_are_fine(user: User) -> None:
    title = "[{" * 50 + '\\" [[' * 10
    body = {"title": title, "document_ids": None, "options": {"stop": ["["] * 4}}
    response = await user.http.post("/chat/sessions", json=body)
    assert response.status_code == 201, response.text
    assert response.json()["title"] == title
    wide = {"query": "Well?", "use_documents": False, "tags": [f"[{n}" for n in range(20)]}
    assert (await user.http.post("/chat/query", json=wide)).status_code == 200


async def connect_sending(
    server: LoopbackServer, first: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and send before the server can look: on a busy machine its patience is short."""
    port = server.servers[0].sockets[0].getsockname()[1]
    connected = socket.create_connection(("127.0.0.1", port))
    connected.settimeout(0)
    sent = connected.send(first)
    reader, writer = await asyncio.open_connection(sock=connected)
    writer.write(first[sent:])
    return reader, writer


async def exchange(server: LoopbackServer, first: bytes, *more: bytes) -> tuple[int, str]:
    """Send parts over a socket of one's own; return the status and the body of the answer."""
    reader, writer = await connect_sending(server, first)
    try:
        async with asyncio.timeout(60):
            for part in more:
                writer.write(part)
                await writer.drain()
            answer = await reader.read()
    finally:
        writer.close()
    if not answer:
        return 0, ""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


@pytest.fixture
async def hasty_server(server: LoopbackServer) -> AsyncIterator[LoopbackServer]:
    """The same application once more, behind a server with little patience."""
    hasty = LoopbackServer(server.config.loaded_app)
    hasty.config = uvicorn.Config(
        server.config.loaded_app, port=0, log_config=None, http=guard(0.3), lifespan="off"
    )
    serving = asyncio.create_task(hasty.serve())
    await wait_until(lambda: hasty.started, seconds=30)
    hasty.lifespan.state.update(server.lifespan.state)
    yield hasty
    hasty.should_exit = True
    await serving


SLOW_HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: "
SLOW_BODY = (
    b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 100\r\n\r\n{"refresh_token": "'
)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"", 0, ""),
        (SLOW_HEAD, 408, "request_too_slow"),
        (SLOW_BODY, 408, "request_too_slow"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "url_too_long"),
        (b"GET /?q=" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "url_too_long"),
        (HEAD + b"X-A: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (HEAD + b"X-A: " + b"a" * 45_000, 431, "headers_too_large"),
        (HEAD + b"X-A: a\r\n" * 10_000 + b"\r\n", 431, "headers_too_large"),
        (b"NONSENSE\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, "malformed_request"),
    ],
)
async def test_what_does_not_arrive_properly_is_cut(
    hasty_server: LoopbackServer, sent: bytes, status: int, code: str
) -> None:
    answered, body = await exchange(hasty_server, sent)
    assert answered == status
    if code:
        problem = json.loads(body)
        assert problem["code"] == code
        assert problem["request_id"]
    await wait_until(lambda: not hasty_server.server_state.connections, seconds=30)
    await hasty_server.wait_until_idle()


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (
            b"POST /api/v1/auth/refresh HTTP/1.1\r\nContent-Type: application/json\r\n",
            "request_too_large",
        ),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", "url_too_long"),
        (b"NONSENSE /\r\n", "malformed_request"),
    ],
)
async def test_who_sends_too_much_is_told_so(
    server: LoopbackServer, head: bytes, code: str
) -> None:
    """All of it was sent before the answer is read: a reset connection would take that away."""
    body = b"x" * 6_000_000
    length = b"Host: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    _, answer = await exchange(server, head + length, body)
    assert json.loads(answer)["code"] == code
    await wait_until(lambda: not server.server_state.connections)


async def test_who_is_too_slow_is_told_the_id_that_the_request_has(
    hasty_server: LoopbackServer,
) -> None:
    slow = SLOW_BODY.replace(b"Host: x", b"Host: x\r\nX-Request-ID: of-this-test")
    _, body = await exchange(hasty_server, slow)
    assert json.loads(body)["request_id"] == "of-this-test"


async def test_who_waits_for_an_answer_is_not_cut(user: User, hasty_server: LoopbackServer) -> None:
    """Patience is for what a client has to send, and for nothing else."""
    body = json.dumps({"query": "Well?", "model": "fault-stall-mid", "use_documents": False})
    head = (
        "POST /api/v1/chat/query/stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {user.token}\r\nConnection: close\r\n"
    )
    request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
    reader, writer = await connect_sending(hasty_server, request.encode())
    message_id = ""
    async for line in reader:
        if b'"message_id"' in line:
            message_id = json.loads(line.removeprefix(b"data: "))["message_id"]
            break
    assert (await exchange(hasty_server, SLOW_HEAD))[0] == 408
    await user.http.post(f"/chat/messages/{message_id}/stop")
    assert [line async for line in reader if line == b"event: message.completed\n"]
    writer.close()
