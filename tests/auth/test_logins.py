"""Logins end when they should, at once, and refresh tokens are good for one use."""

import asyncio
from uuid import UUID

import httpx
import pytest

from src.auth.passwords import Passwords
from src.config import Settings
from tests.conftest import execute
from tests.fixtures.users import JSON, PASSWORD, User, bearer


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/auth/refresh", json={"refresh_token": token})


async def is_good(http: httpx.AsyncClient, access_token: str) -> bool:
    response = await http.get("/auth/me", headers=bearer(access_token))
    assert response.status_code in {200, 401}
    return response.status_code == 200


async def list_kinds(user: User) -> list[str]:
    page = (await user.http.get("/auth/events")).json()
    return [event["kind"] for event in page["items"]]


async def test_a_refresh_token_gives_new_tokens_once(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    first = await refresh(anonymous, user.refresh_token)
    assert first.status_code == 200
    tokens = first.json()
    assert tokens["expires_in"] == 15 * 60
    assert await is_good(anonymous, tokens["access_token"])
    second = await refresh(anonymous, tokens["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] not in {user.refresh_token, tokens["refresh_token"]}


async def test_a_replayed_refresh_token_ends_the_login(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    other = await user.log_in()
    stolen = (await refresh(anonymous, user.refresh_token)).json()
    replay = await refresh(anonymous, user.refresh_token)
    assert (replay.status_code, replay.json()["code"]) == (401, "refresh_token_reused")
    assert not await is_good(anonymous, stolen["access_token"])
    assert not await is_good(anonymous, user.token)
    follow_up = await refresh(anonymous, stolen["refresh_token"])
    assert (follow_up.status_code, follow_up.json()["code"]) == (401, "invalid_refresh_token")
    assert await is_good(anonymous, other["access_token"])
    events = (await anonymous.get("/auth/events", headers=bearer(other["access_token"]))).json()
    assert events["items"][0]["kind"] == "refresh_token_reused"


async def test_of_twenty_uses_at_once_one_wins_and_the_login_ends(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    answers = await asyncio.gather(*(refresh(anonymous, user.refresh_token) for _ in range(20)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer.json()["code"] for answer in answers if answer.status_code == 401]
    assert (len(won), len(lost)) == (1, 19)
    assert set(lost) == {"refresh_token_reused"}
    assert not await is_good(anonymous, won[0]["access_token"])
    assert not await is_good(anonymous, user.token)
    assert (await refresh(anonymous, won[0]["refresh_token"])).status_code == 401
    again = await user.log_in()
    assert await is_good(anonymous, again["access_token"])
    assert (await refresh(anonymous, again["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "cr_" + "a" * 43, "nul\u0000", "ü" * 100])
async def test_an_unknown_refresh_token_is_refused(
    anonymous: httpx.AsyncClient, token: str
) -> None:
    response = await refresh(anonymous, token)
    assert (response.status_code, response.json()["code"]) == (401, "invalid_refresh_token")


async def test_an_access_token_does_not_refresh(anonymous: httpx.AsyncClient, user: User) -> None:
    assert (await refresh(anonymous, user.token)).status_code in {401, 422}
    assert not await is_good(anonymous, user.refresh_token)


async def test_logging_out_ends_this_login_only(anonymous: httpx.AsyncClient, user: User) -> None:
    other = await user.log_in()
    assert (await user.http.post("/auth/logout")).status_code == 204
    assert not await is_good(anonymous, user.token)
    assert (await refresh(anonymous, user.refresh_token)).status_code == 401
    assert await is_good(anonymous, other["access_token"])
    everywhere = await anonymous.post("/auth/logout-all", headers=bearer(other["access_token"]))
    assert everywhere.status_code == 204
    assert not await is_good(anonymous, other["access_token"])


async def test_logins_are_listed_with_their_devices_and_can_be_revoked(
    anonymous: httpx.AsyncClient, user: User, stranger: User
) -> None:
    phone = await user.log_in(**{"User-Agent": "A phone\t" + "x" * 500})
    page = (await user.http.get("/auth/logins")).json()
    assert [login["is_current"] for login in page["items"]] == [False, True]
    login = page["items"][0]
    assert login["user_agent"].startswith("A phonex")
    assert len(login["user_agent"]) == 200
    assert login["address"] == "127.0.0.1"
    assert (await stranger.http.delete(f"/auth/logins/{login['id']}")).status_code == 404
    assert (await user.http.delete(f"/auth/logins/{login['id']}")).status_code == 204
    assert not await is_good(anonymous, phone["access_token"])
    assert (await user.http.delete(f"/auth/logins/{login['id']}")).status_code == 404
    assert len((await user.http.get("/auth/logins")).json()["items"]) == 1


async def test_logins_come_in_pages(user: User) -> None:
    for _ in range(4):
        await user.log_in()
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await user.http.get("/auth/logins", params=params)).json()
        seen += [login["id"] for login in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5


async def test_an_expired_login_is_over(
    anonymous: httpx.AsyncClient, user: User, database_url: str
) -> None:
    query = "UPDATE login_sessions SET expires_at = now() WHERE user_id = $1"
    await execute(database_url, query, UUID(user.id))
    assert not await is_good(anonymous, user.token)
    assert (await refresh(anonymous, user.refresh_token)).status_code == 401


async def test_what_ended_long_ago_is_forgotten_at_the_next_login(
    user: User, database_url: str
) -> None:
    for age in (
        "UPDATE login_sessions SET expires_at = now() - interval '2 years' WHERE user_id = $1",
        "UPDATE auth_events SET created_at = now() - interval '2 years' WHERE user_id = $1",
    ):
        await execute(database_url, age, UUID(user.id))
    await user.log_in()
    count = "DELETE FROM login_sessions WHERE user_id = $1"
    assert await execute(database_url, count, UUID(user.id)) == "DELETE 1"
    count = "DELETE FROM auth_events WHERE user_id = $1"
    assert await execute(database_url, count, UUID(user.id)) == "DELETE 1"


async def test_a_deactivated_user_is_out_at_once_and_for_good(
    anonymous: httpx.AsyncClient, admin: User, user: User
) -> None:
    key = await user.make_key("chat")
    path = f"/auth/users/{user.id}"
    assert (await admin.http.patch(path, json={"is_active": False})).status_code == 200
    assert not await is_good(anonymous, user.token)
    assert not await is_good(anonymous, key["key"])
    assert (await refresh(anonymous, user.refresh_token)).status_code == 401
    form = {"username": user.username, "password": PASSWORD}
    refused = await anonymous.post("/auth/token", data=form)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")
    assert (await admin.http.patch(path, json={"is_active": True})).status_code == 200
    assert not await is_good(anonymous, user.token)
    assert await is_good(anonymous, key["key"])
    assert await is_good(anonymous, (await user.log_in())["access_token"])


async def test_a_password_is_hashed_anew_when_the_parameters_change(
    anonymous: httpx.AsyncClient, user: User, settings: Settings, database_url: str
) -> None:
    weaker = Passwords(settings.auth.model_copy(update={"argon2_memory_kib": 16}))
    old = await weaker.hash(PASSWORD)
    weaker.close()
    update = "UPDATE users SET password_hash = $2 WHERE id = $1"
    await execute(database_url, update, UUID(user.id), old)
    await user.log_in()
    untouched = "UPDATE users SET id = id WHERE id = $1 AND password_hash LIKE '%m=16,%'"
    assert await execute(database_url, untouched, UUID(user.id)) == "UPDATE 0"
    assert await is_good(anonymous, (await user.log_in())["access_token"])


async def test_the_trail_tells_what_happened_and_no_secrets(
    anonymous: httpx.AsyncClient, user: User, stranger: User
) -> None:
    form = {"username": user.username, "password": "a wrong guess 1"}
    await anonymous.post("/auth/token", data=form, headers={"User-Agent": "guesser"})
    key = await user.make_key("chat")
    await user.http.delete(f"/auth/api-keys/{key['id']}")
    assert await list_kinds(user) == [
        "api_key_revoked",
        "api_key_created",
        "login_failed",
        "logged_in",
        "registered",
    ]
    response = await user.http.get("/auth/events")
    failed: JSON = response.json()["items"][2]
    assert (failed["user_agent"], failed["address"]) == ("guesser", "127.0.0.1")
    assert failed["actor_id"] is None
    for secret in (PASSWORD, form["password"], user.token, user.refresh_token, key["key"]):
        assert secret not in response.text
    assert await list_kinds(stranger) == ["logged_in", "registered"]
