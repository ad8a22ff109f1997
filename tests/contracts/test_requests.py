"""What every request meets, whatever it asks for."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User

TOO_LARGE = b'{"query": "' + b"x" * 1_100_000 + b'"}'


async def send_in_chunks() -> AsyncIterator[bytes]:
    for start in range(0, len(TOO_LARGE), 100_000):
        yield TOO_LARGE[start : start + 100_000]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("path", ["/documents/search", "/chat/sessions", "/auth/token"])
async def test_a_body_that_is_too_large_is_refused(
    user: User, path: str, *, is_chunked: bool
) -> None:
    headers = {"Content-Type": "application/json"}
    if path == "/auth/token":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
    content = send_in_chunks() if is_chunked else TOO_LARGE
    response = await user.http.post(path, content=content, headers=headers)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/chat/nowhere", 404, "not_found"),
        ("PUT", "/auth/me", 405, "method_not_allowed"),
    ],
)
async def test_unknown_addresses_are_problems_too(
    user: User, method: str, path: str, status: int, code: str
) -> None:
    response = await user.http.request(method, path)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("sent", "is_kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False)]
)
async def test_a_request_keeps_its_id(server: LoopbackServer, sent: str, *, is_kept: bool) -> None:
    async with httpx.AsyncClient(base_url=server.api_url, timeout=100) as http:
        response = await http.get("/auth/me", headers={"X-Request-ID": sent})
    returned = response.headers["X-Request-ID"]
    assert (returned == sent) is is_kept
    assert response.json()["request_id"] == returned


async def test_responses_carry_security_headers(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/auth/me")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/auth/me", "DELETE, GET, PATCH"),
        ("/documents", "GET, POST"),
        (f"/chat/sessions/{UUID(int=0)}", "DELETE, GET, PATCH"),
        (f"/chat/messages/{UUID(int=0)}/feedback", "DELETE, PUT"),
    ],
)
async def test_a_wrong_method_is_told_all_the_right_ones(
    user: User, path: str, allowed: str
) -> None:
    response = await user.http.request("OPTIONS", path)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


async def test_the_head_of_an_answer_does_not_wait_for_a_body_that_never_comes(
    anonymous: httpx.AsyncClient,
) -> None:
    for _ in range(2):  # The connection stays good for more.
        response = await anonymous.head("/auth/me")
        assert (response.status_code, response.content) == (405, b"")


async def test_an_address_with_one_slash_too_many_is_sent_on(user: User) -> None:
    response = await user.http.get("/chat/sessions/")
    assert response.status_code == 307
    assert response.headers["location"].endswith("/api/v1/chat/sessions")
