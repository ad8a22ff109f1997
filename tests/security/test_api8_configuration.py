"""OWASP API8:2023. What browsers are told, and what a misconfigured front door would give away."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User
from tests.security.conftest import ServerFactory

SITE = "https://app.example.org"
EVIL = "https://evil.example.org"
HTML = "<html><script>alert(document.domain)</script><p>A page of scripts.</p></html>"
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def preflight(url: str, origin: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
        return await http.options(
            f"{url}/auth/me",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": "Authorization",
            },
        )


async def test_no_other_site_may_call_the_api_unless_it_is_named(
    anonymous: httpx.AsyncClient,
) -> None:
    response = await anonymous.get("/auth/me", headers={"Origin": SITE})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_sites_that_are_named_may(run_with: ServerFactory) -> None:
    async with run_with(cors_origins=(SITE,)) as server:
        allowed = await preflight(server.api_url, SITE)
        assert allowed.status_code == 200
        assert allowed.headers["Access-Control-Allow-Origin"] == SITE
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        assert (await preflight(server.api_url, EVIL)).status_code == 400
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            refused = await http.get(f"{server.api_url}/auth/me", headers={"Origin": SITE})
            assert refused.status_code == 401
            assert refused.headers["Access-Control-Allow-Origin"] == SITE
            assert "X-Request-ID" in refused.headers["Access-Control-Expose-Headers"]
            foreign = await http.get(f"{server.api_url}/auth/me", headers={"Origin": EVIL})
            assert "Access-Control-Allow-Origin" not in foreign.headers


async def test_a_page_of_another_site_opens_no_socket(run_with: ServerFactory) -> None:
    async with run_with(cors_origins=(SITE,)) as server:
        address = f"{server.api_url.replace('http', 'ws', 1)}/chat/ws"
        async with connect(address, origin=Origin(SITE), proxy=None, open_timeout=100):
            pass
        async with connect(address, origin=Origin(server.url), proxy=None, open_timeout=100):
            pass
        for origin in (EVIL, f"{SITE}.evil.example.org", "null"):
            with pytest.raises(InvalidStatus):
                await connect(address, origin=Origin(origin), proxy=None, open_timeout=100)


async def test_the_server_answers_to_its_own_names_alone(run_with: ServerFactory) -> None:
    async with run_with(allowed_hosts=("chat.example.org",)) as server:
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            for host in ("chat.example.org", "CHAT.example.org:443"):
                response = await http.get(f"{server.url}/health/live", headers={"Host": host})
                assert response.status_code == 200
            for path in ("/health/live", "/docs", "/nowhere", "/"):
                response = await http.get(f"{server.url}{path}", headers={"Host": "evil.example"})
                assert (response.status_code, response.json()["code"]) == (421, "unknown_host")
                assert response.headers["X-Request-ID"] == response.json()["request_id"]
        with pytest.raises(InvalidStatus):
            await connect(
                f"{server.api_url.replace('http', 'ws', 1)}/chat/ws", proxy=None, open_timeout=100
            )


@pytest.mark.parametrize(
    ("filename", "content"), [("a.html", HTML), ("a.svg", SVG), ("a.xhtml", HTML), ("a.md", HTML)]
)
async def test_what_is_uploaded_never_becomes_a_page_of_ours(
    user: User, filename: str, content: str
) -> None:
    response = await user.upload((filename, content.encode()))
    if response.status_code == 415:
        return
    document = response.json()["results"][0]["document"]
    download = await user.http.get(f"/documents/{document['id']}/content")
    assert download.content.decode() == content
    assert download.headers["Content-Disposition"].startswith("attachment")
    assert download.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in download.headers["Content-Security-Policy"]
    assert download.headers["Content-Type"].partition(";")[0] not in {
        *("text/html", "image/svg+xml", "application/xhtml+xml", "application/xml", "text/xml"),
    }


@pytest.mark.parametrize("path", ["/api/v1/auth/me", "/v1/models", "/health/live", "/api/v1/none"])
async def test_answers_of_the_api_are_no_pages_and_not_kept(
    user: User, server: LoopbackServer, path: str
) -> None:
    response = await user.http.get(f"{server.url}{path}")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in response.headers or "uvicorn" in response.headers["server"]


async def test_streams_are_never_compressed_or_held_back(user: User) -> None:
    body = {"query": "Well?", "use_documents": False}
    headers = {"Accept-Encoding": "gzip, br, zstd"}
    response = await user.http.post("/chat/query/stream", json=body, headers=headers)
    assert "Content-Encoding" not in response.headers
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Accel-Buffering"] == "no"


async def test_errors_tell_nothing_of_the_inside(user: User, server: LoopbackServer) -> None:
    """The model server's own error names a path of its machine."""
    body = {"query": "Well?", "model": "fault-500", "use_documents": False}
    response = await user.http.post("/chat/query", json=body)
    assert response.status_code == 502
    for inside in ("/root/", "Traceback", "sqlalchemy", "asyncpg", server.url):
        assert inside not in response.text
    for method in ("TRACE", "CONNECT", "PROPFIND"):
        assert (await user.http.request(method, "/auth/me")).status_code in {400, 404, 405}
