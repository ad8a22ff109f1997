"""API keys: shown once, limited, revocable."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from src.auth.api_keys import KeyUseRecorder
from src.config import DatabaseSettings
from src.database import create_engine, create_sessions, utc_now
from tests.conftest import execute
from tests.fixtures.users import User, bearer


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
async def test_a_key_is_accepted_both_ways(
    anonymous: httpx.AsyncClient, user: User, header: str
) -> None:
    created = await user.make_key("documents:read", "chat")
    assert created["scopes"] == ["chat", "documents:read"]
    assert created["key"].startswith(created["prefix"] + "_")
    assert created["prefix"].startswith("cq_")
    value = f"Bearer {created['key']}" if header == "Authorization" else created["key"]
    me = await anonymous.get("/auth/me", headers={header: value})
    assert me.json()["id"] == user.id
    response = await user.http.get("/auth/api-keys")
    assert created["key"] not in response.text
    del created["key"]
    assert [key["id"] for key in response.json()["items"]] == [created["id"]]


async def test_a_revoked_or_expired_key_is_refused_at_once(
    anonymous: httpx.AsyncClient, user: User, stranger: User, database_url: str
) -> None:
    soon = (utc_now() + timedelta(hours=1)).isoformat()
    first, second = await user.make_key("chat"), await user.make_key("chat", expires_at=soon)
    assert (await stranger.http.delete(f"/auth/api-keys/{first['id']}")).status_code == 404
    for key in (first, second):
        assert (await anonymous.get("/auth/me", headers=bearer(key["key"]))).status_code == 200
    assert (await user.http.delete(f"/auth/api-keys/{first['id']}")).status_code == 204
    assert (await user.http.delete(f"/auth/api-keys/{first['id']}")).status_code == 404
    expire = "UPDATE api_keys SET expires_at = now() WHERE id = $1"
    await execute(database_url, expire, UUID(second["id"]))
    for key in (first, second):
        refused = await anonymous.get("/auth/me", headers=bearer(key["key"]))
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_api_key")
        assert refused.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": []},
        {"scopes": ["admin"]},
        {"name": ""},
        {"name": "nul\u0000"},
        {"expires_at": "2027-01-01T00:00:00"},
        {"expires_at": "soon"},
        {"key": "cq_mine"},
    ],
)
async def test_a_bad_key_is_not_made(user: User, changes: dict[str, object]) -> None:
    body: dict[str, object] = {"name": "a program", "scopes": ["chat"]}
    response = await user.http.post("/auth/api-keys", json=body | changes)
    assert response.status_code == 422


async def test_nobody_has_more_keys_than_allowed(user: User, database_url: str) -> None:
    fill = (
        "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes) "
        "SELECT gen_random_uuid(), $1, 'many', 'cq_', gen_random_uuid()::text, '{}' "
        "FROM generate_series(1, 99)"
    )
    await execute(database_url, fill, UUID(user.id))
    body = {"name": "one too many", "scopes": ["chat"]}
    made = await asyncio.gather(*(user.http.post("/auth/api-keys", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in made) == [201, 409, 409, 409]


async def test_the_last_use_is_noted_beside_the_request_and_not_each_time(
    anonymous: httpx.AsyncClient, user: User, database_url: str
) -> None:
    created = await user.make_key("chat")
    path, headers = "/auth/me", bearer(created["key"])

    async def use() -> None:
        await asyncio.gather(*(anonymous.get(path, headers=headers) for _ in range(10)))

    # Of many first uses, one may be noted when the note of another is written already.
    await anonymous.get(path, headers=headers)
    first = await wait_for_use(user)
    await use()
    assert await wait_for_use(user) == first
    earlier = "UPDATE api_keys SET last_used_at = now() - interval '61 s' WHERE id = $1"
    await execute(database_url, earlier, UUID(created["id"]))
    before = await wait_for_use(user)
    async with asyncio.timeout(60):
        while await wait_for_use(user) == before:
            await use()


async def test_a_use_within_the_minute_is_not_noted_again(user: User, database_url: str) -> None:
    key_id = UUID((await user.make_key("chat"))["id"])
    engine = create_engine(database_url, DatabaseSettings())
    for last_used_at, is_noted in ((utc_now() - timedelta(seconds=50), False), (None, True)):
        uses = KeyUseRecorder(create_sessions(engine))
        uses.note(key_id, last_used_at)
        await uses.close()
        key = (await user.http.get("/auth/api-keys")).json()["items"][0]
        assert (key["last_used_at"] is not None) is is_noted
    await engine.dispose()


async def wait_for_use(user: User) -> str:
    async with asyncio.timeout(60):
        while True:
            key = (await user.http.get("/auth/api-keys")).json()["items"][0]
            if key["last_used_at"] is not None:
                return str(key["last_used_at"])
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "cq_00000000_" + "0" * 64},
        {"X-API-Key": "cq_"},
        {"X-API-Key": "not a key"},
        {"Authorization": "Bearer cq_00000000_" + "0" * 64},
        {"Authorization": "Bearer cq_\u00ff"},
    ],
)
async def test_a_wrong_key_is_refused(
    anonymous: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = await anonymous.get("/auth/me", headers=raw)
    assert response.status_code == 401
    assert response.json()["code"] in {"invalid_api_key", "invalid_token"}
