"""One's own account: changed, its password changed, deleted with everything."""

import asyncio
import secrets
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from src.config import Settings
from src.documents.vectors.base import Scope, VectorIndex
from tests.conftest import UserFactory
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import PASSWORD, User, bearer

NEW_PASSWORD = "battery staple 2"


async def change_password(user: User, current: str, new: str) -> httpx.Response:
    body = {"current_password": current, "new_password": new}
    return await user.http.post("/auth/me/password", json=body)


async def delete_me(user: User, password: str = PASSWORD) -> httpx.Response:
    return await user.http.request("DELETE", "/auth/me", json={"current_password": password})


async def test_name_and_address_can_change(anonymous: httpx.AsyncClient, user: User) -> None:
    name = f"n{secrets.token_hex(6)}"
    changes = {"username": name, "email": f"{name}@example.net"}
    changed = await user.http.patch("/auth/me", json=changes)
    assert changed.status_code == 200
    assert changed.json().items() >= changes.items()
    assert (await user.http.get("/auth/me")).json() == changed.json()
    form = {"username": changes["email"], "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 200
    assert (await user.http.patch("/auth/me", json={})).json() == changed.json()
    assert (await user.http.patch("/auth/me", json={"role": "admin"})).status_code == 422


async def test_the_name_of_another_cannot_be_taken(user: User, stranger: User) -> None:
    refused = await user.http.patch("/auth/me", json={"username": stranger.username.upper()})
    assert (refused.status_code, refused.json()["code"]) == (409, "username_taken")
    email = f"{stranger.username}@EXAMPLE.ORG"
    refused = await user.http.patch("/auth/me", json={"email": email})
    assert (refused.status_code, refused.json()["code"]) == (409, "email_taken")


async def test_a_new_password_needs_the_old_one_and_ends_the_other_logins(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    other = await user.log_in()
    key = await user.make_key("chat")
    refused = await change_password(user, "not this one 1", NEW_PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (400, "wrong_password")
    assert (await change_password(user, PASSWORD, "weak")).status_code == 422
    assert (await change_password(user, PASSWORD, NEW_PASSWORD)).status_code == 204
    for token, status in ((other["access_token"], 401), (user.token, 200), (key["key"], 200)):
        assert (await anonymous.get("/auth/me", headers=bearer(token))).status_code == status
    body = {"refresh_token": other["refresh_token"]}
    assert (await anonymous.post("/auth/refresh", json=body)).status_code == 401
    form = {"username": user.username, "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 401
    assert await user.log_in(NEW_PASSWORD)


async def test_of_two_password_changes_at_once_one_is_refused(user: User) -> None:
    answers = await asyncio.gather(
        change_password(user, PASSWORD, "the first one 1"),
        change_password(user, PASSWORD, "the second one 2"),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 400]


@pytest.fixture
def vectors(server: LoopbackServer, settings: Settings) -> VectorIndex:
    """The index of the running server: another process may not open its folder."""
    assert settings.qdrant.url is None
    index: VectorIndex = server.lifespan.state["vectors"]
    return index


def list_files(settings: Settings, user: User) -> list[Path]:
    return [path for path in (settings.data_dir / "files" / user.id).rglob("*") if path.is_file()]


async def count_vectors(vectors: VectorIndex, user: User) -> int:
    names = await vectors.list_collections()
    return sum([await vectors.count(name, Scope(UUID(user.id))) for name in names])


async def test_a_deleted_account_takes_everything_with_it(
    anonymous: httpx.AsyncClient,
    make_user: UserFactory,
    admin: User,
    settings: Settings,
    vectors: VectorIndex,
) -> None:
    user, neighbour = await make_user(), await make_user()
    for owner in (user, neighbour):
        await owner.add_document("The treasure is buried on Skull Island.")
        await owner.ask("Where is the treasure?")
    key = await user.make_key("chat")
    assert await count_vectors(vectors, user) > 0
    assert list_files(settings, user)
    assert (await delete_me(user, "not this one 1")).json()["code"] == "wrong_password"
    assert (await delete_me(user)).status_code == 204
    for token in (user.token, key["key"]):
        assert (await anonymous.get("/auth/me", headers=bearer(token))).status_code == 401
    form = {"username": user.username, "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 401
    assert (await admin.http.get(f"/auth/users/{user.id}")).status_code == 404
    async with asyncio.timeout(60):
        while await count_vectors(vectors, user) or list_files(settings, user):
            await asyncio.sleep(0.02)
    assert await count_vectors(vectors, neighbour) > 0
    assert list_files(settings, neighbour)
    assert await neighbour.search("treasure")


async def test_the_name_of_a_deleted_account_is_free_again(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    assert (await delete_me(user)).status_code == 204
    account = {
        "username": user.username,
        "email": f"{user.username}@example.org",
        "password": PASSWORD,
    }
    assert (await anonymous.post("/auth/register", json=account)).status_code == 201


async def test_deleting_twice_at_once_is_no_server_error(user: User) -> None:
    answers = await asyncio.gather(*(delete_me(user) for _ in range(4)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 204
    assert set(statuses[1:]) <= {401, 404}


async def test_work_for_a_user_who_is_deleted_meanwhile_is_no_server_error(
    user: User, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            await connection.execute("DELETE FROM users WHERE id = $1", UUID(user.id))
            changing = asyncio.create_task(user.http.patch("/auth/me", json={"username": "other"}))
            making = asyncio.create_task(user.http.post("/chat/sessions", json={}))
            await wait_for_waiting(connection, 2)
        answers = [await changing, await making]
    finally:
        await connection.close()
    assert [answer.status_code for answer in answers] == [404, 401]


async def wait_for_waiting(connection: asyncpg.Connection, sessions: int) -> None:
    """Wait until so many others wait for what this transaction holds."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    async with asyncio.timeout(60):
        while await connection.fetchval(query) < sessions:
            await asyncio.sleep(0.01)
