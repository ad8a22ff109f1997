"""OWASP API5:2023. The table of access is tested whole in `tests/contracts/test_callers.py`.

Here are the ways around it: other spellings of an address, other words for a method.
"""

import pytest

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User, bearer
from tests.security.test_api4_resource_consumption import exchange


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/auth/users",
        "/api/v1/auth/users/",
        "//api/v1/auth/users",
        "/api/v1//auth/users",
        "/api/v1/auth/me/../users",
        "/api/v1/auth/me/%2e%2e/users",
        "/api/v1/auth/me/..%2fusers",
        "/api/v1/auth/users%00",
        "/api/v1/auth/users;admin=true",
        "/API/V1/AUTH/USERS",
        "/api/v1/auth/users?role=admin",
        "/api/v1/auth/users%20",
    ],
)
async def test_no_spelling_of_an_address_leads_around_the_door(
    user: User, server: LoopbackServer, path: str
) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    status, body = await exchange(
        server, f"{head}Authorization: Bearer {user.token}\r\n\r\n".encode()
    )
    assert status in {307, 400, 403, 404, 405}, body
    assert user.username not in body


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "GET"},
        {"X-Original-URL": "/api/v1/auth/me", "X-Rewrite-URL": "/api/v1/auth/me"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
        {"X-User-Id": "1", "X-Role": "admin", "X-Forwarded-User": "admin"},
    ],
)
async def test_no_header_makes_anybody_an_administrator(
    user: User, headers: dict[str, str]
) -> None:
    for method, path in (("GET", "/auth/users"), ("POST", "/auth/users"), ("GET", "/auth/events")):
        response = await user.http.request(method, path, headers=headers, json={})
        assert response.status_code in {200, 403}
        assert path == "/auth/events" or response.json()["code"] == "admin_required"


async def test_an_administrators_key_administrates_nothing(admin: User, user: User) -> None:
    key = await admin.make_key("chat", "documents:read", "documents:write", "llm")
    headers = bearer(key["key"])
    for method, path in (
        ("GET", "/auth/users"),
        ("PATCH", f"/auth/users/{user.id}"),
        ("DELETE", f"/auth/users/{user.id}"),
        ("POST", "/llm/models/pull"),
        ("POST", "/auth/api-keys"),
    ):
        response = await admin.http.request(method, path, headers=headers, json={})
        assert (response.status_code, response.json()["code"]) == (403, "login_required"), path
