"""What is text stays text: in statements, log lines, headers and names of files."""

import asyncio
import json

import pytest

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User
from tests.security.test_api4_resource_consumption import exchange

SQL = [
    "' OR '1'='1",
    "'; DROP TABLE users; --",
    "1) UNION SELECT password_hash FROM users --",
    "%' AND pg_sleep(5) --",
    "\\'; SELECT 1; --",
    "$1",
    ":user_id",
    "%s%s%n",
    "{0}{user_id}",
    "a:*|b&!c <-> (d)",
    "%",
    "_",
]


@pytest.mark.parametrize("text", SQL)
async def test_sql_in_a_value_is_a_value(user: User, stranger: User, text: str) -> None:
    await stranger.http.post("/chat/sessions", json={"title": "Not yours"})
    chat = (await user.http.post("/chat/sessions", json={"title": text})).json()
    assert chat["title"] == text
    for path, name in (
        ("/chat/search", "q"),
        ("/documents", "q"),
        ("/documents", "tags"),
        ("/documents", "sort"),
        ("/documents", "cursor"),
        ("/chat/sessions", "cursor"),
        ("/auth/events", "cursor"),
    ):
        response = await user.http.get(path, params={name: text})
        assert response.status_code in {200, 422}, (path, name, response.text)
        assert "Not yours" not in response.text
    found = await user.http.post("/documents/search", json={"query": text, "tags": [text[:50]]})
    assert found.status_code == 200
    form = {"username": text, "password": text}
    assert (await user.http.post("/auth/token", data=form)).status_code in {401, 422}
    assert (await user.http.get("/auth/me")).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd",
        "..\\..\\windows\\win.ini",
        "/etc/passwd",
        "C:\\secret.md",
        "a/../../b.md",
        "%2e%2e%2fb.md",
        ".env",
        "con.md",
        "a\u202egpj.md",
        'a"; filename="b.md',
        "a\r\nX-Evil: 1\r\n\r\n<script>.md",
        "ä" * 200 + ".md",
    ],
)
async def test_a_name_of_a_file_is_a_name(user: User, server: LoopbackServer, name: str) -> None:
    del server
    response = await user.upload((name, f"# A note\n\nText of {len(name)} letters.".encode()))
    assert response.status_code in {202, 415, 422}, response.text
    if response.status_code != 202:
        return
    document = response.json()["results"][0]["document"]
    assert not {"/", "\\"} & set(document["filename"])
    assert document["filename"].isprintable()  # Nothing that turns the rest around, either.
    download = await user.http.get(f"/documents/{document['id']}/content")
    assert download.status_code == 200
    assert "x-evil" not in download.headers
    assert download.headers["Content-Disposition"].startswith("attachment; filename=")
    assert download.content.startswith(b"# A note")


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/assets/..%2f..%2fetc/passwd", "/assets/%00"]
)
async def test_no_path_leads_to_a_file(server: LoopbackServer, path: str) -> None:
    status, body = await exchange(
        server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    assert status in {400, 404}
    assert "root:" not in body


async def test_a_line_of_the_log_is_one_line(
    server: LoopbackServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bytes in headers and paths that would begin a line, or colour a terminal."""
    for evil in ("%0d%0aFAKE%20LINE", "%1b%5b31mFAKE", "%e2%80%a8FAKE"):
        for sent in (
            f"GET /{evil} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {evil}\r\n",
            f"GET /health/live?{evil} HTTP/1.1\r\nHost: x\r\nUser-Agent: {evil}\r\n",
        ):
            await exchange(server, f"{sent}Connection: close\r\n\r\n".encode())
    assert "FAKE" not in "".join(capfd.readouterr())


async def test_two_lengths_or_a_smuggled_request_are_refused(server: LoopbackServer) -> None:
    head = b"POST /api/v1/auth/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    for lines in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
    ):
        async with asyncio.timeout(60):
            status, body = await exchange(server, head + b"Connection: close\r\n" + lines)
        # One request, refused, and nothing after it.
        assert status in {400, 422}, lines
        assert "HTTP/1.1" not in body, (lines, body)
        assert json.loads(body)["status"] == status
