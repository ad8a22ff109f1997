"""Administrators manage accounts, and there is always one of them."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from src.auth.first_admin import BadAdminError, check_admin
from src.config import Settings
from src.embedded import run_postgres
from src.main import create_app
from tests.conftest import UserFactory
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, PASSWORD, User, bearer

ADMIN_PASSWORD = "the first of all 1"


async def list_names(admin: User, **params: object) -> list[str]:
    """Read every page."""
    names: list[str] = []
    cursor = None
    while True:
        query = params | ({"cursor": cursor} if cursor else {})
        response = await admin.http.get("/auth/users", params=query)  # type: ignore[arg-type]  # httpx takes any value
        assert response.status_code == 200, response.text
        names += [user["username"] for user in response.json()["items"]]
        if (cursor := response.json()["next_cursor"]) is None:
            return names


async def test_users_are_found_page_by_page(make_user: UserFactory, admin: User) -> None:
    users = [await make_user() for _ in range(5)]
    names = await list_names(admin, limit=2, q="EXAMPLE.org")
    assert len(names) == len(set(names))
    assert names[:5] == [user.username for user in reversed(users)]
    assert await list_names(admin, q=users[0].username[2:].upper()) == [users[0].username]
    assert await list_names(admin, q="100%_") == []
    assert admin.username in await list_names(admin, role="admin")
    assert users[0].username not in await list_names(admin, role="admin")


async def test_deactivated_users_are_listed_apart(admin: User, user: User) -> None:
    await admin.http.patch(f"/auth/users/{user.id}", json={"is_active": False})
    assert user.username in await list_names(admin, is_active=False)
    assert user.username not in await list_names(admin, is_active=True)


async def test_an_account_is_made_read_changed_and_deleted(
    anonymous: httpx.AsyncClient, admin: User
) -> None:
    name = f"m{secrets.token_hex(6)}"
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    made = await admin.http.post("/auth/users", json=account)
    assert made.status_code == 201
    path = f"/auth/users/{made.json()['id']}"
    assert (await admin.http.get(path)).json() == made.json()
    token = (await anonymous.post("/auth/token", data=account)).json()["access_token"]
    assert (await anonymous.get("/auth/users", headers=bearer(token))).status_code == 403
    promoted = await admin.http.patch(path, json={"role": "admin"})
    assert promoted.json()["role"] == "admin"
    assert (await anonymous.get("/auth/users", headers=bearer(token))).status_code == 200
    await admin.http.patch(path, json={"new_password": "forgotten no more 1"})
    assert (await anonymous.get("/auth/me", headers=bearer(token))).status_code == 401
    assert (await anonymous.post("/auth/token", data=account)).status_code == 401
    account["password"] = "forgotten no more 1"
    assert (await anonymous.post("/auth/token", data=account)).status_code == 200
    events = (await admin.http.get(f"{path}/events")).json()["items"]
    assert [event["kind"] for event in events] == [
        "logged_in",
        "login_failed",
        "user_changed",
        "logins_revoked",
        "user_changed",
        "logged_in",
        "user_created",
    ]
    assert events[-1]["actor_id"] == admin.id
    assert (await admin.http.delete(path)).status_code == 204
    assert (await admin.http.delete(path)).json()["code"] == "user_not_found"
    for gone in (path, f"{path}/events"):
        assert (await admin.http.get(gone)).json()["code"] == "user_not_found"
    mine = (await admin.http.get("/auth/events")).json()["items"]
    assert (mine[0]["kind"], mine[0]["subject_id"]) == ("user_deleted", made.json()["id"])


async def test_a_demoted_administrator_is_one_no_more_at_once(
    admin: User, make_user: UserFactory
) -> None:
    other = await make_user()
    path = f"/auth/users/{other.id}"
    await admin.http.patch(path, json={"role": "admin"})
    assert (await other.http.get("/auth/users")).status_code == 200
    await admin.http.patch(path, json={"role": "user"})
    assert (await other.http.get("/auth/users")).json()["code"] == "admin_required"


async def test_failed_logins_to_accounts_that_nobody_has_are_seen(
    anonymous: httpx.AsyncClient, admin: User
) -> None:
    form = {"username": "nobody-at-all", "password": "a guess 1"}
    await anonymous.post("/auth/token", data=form, headers={"User-Agent": "prober"})
    page = (await admin.http.get("/auth/audit", params={"limit": 2})).json()
    assert page["next_cursor"]
    event = next(event for event in page["items"] if event["user_agent"] == "prober")
    assert (event["kind"], event["user_id"]) == ("login_failed", None)


@pytest.fixture(scope="module")
async def closed(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LoopbackServer]:
    """A new installation with a first administrator, where nobody may register."""
    folder = tmp_path_factory.mktemp("closed")
    auth = settings.auth.model_copy(
        update={
            "is_registration_open": False,
            "first_admin_username": "root",
            "first_admin_email": "root@example.org",
            "first_admin_password": SecretStr(ADMIN_PASSWORD),
        }
    )
    async with run_postgres(folder, settings={"fsync": "off"}) as url:
        database = settings.database.model_copy(update={"url": SecretStr(url)})
        update = {"auth": auth, "database": database, "data_dir": folder}
        for _ in range(2):  # The second start finds the administrator.
            async with run_server(create_app(settings.model_copy(update=update))):
                pass
        async with run_server(create_app(settings.model_copy(update=update))) as server:
            yield server


async def log_in(http: httpx.AsyncClient, username: str, password: str) -> dict[str, str]:
    form = {"username": username, "password": password}
    return bearer((await http.post("/auth/token", data=form)).json()["access_token"])


async def add_admin(http: httpx.AsyncClient, headers: dict[str, str], name: str) -> JSON:
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    response = await http.post("/auth/users", json=account | {"role": "admin"}, headers=headers)
    assert response.status_code == 201, response.text
    added: JSON = response.json()
    return added


async def test_registration_can_be_closed(closed: LoopbackServer) -> None:
    async with httpx.AsyncClient(base_url=closed.api_url, trust_env=False, timeout=100) as http:
        account = {"username": "somebody", "email": "some@example.org", "password": PASSWORD}
        refused = await http.post("/auth/register", json=account)
        assert (refused.status_code, refused.json()["code"]) == (403, "registration_closed")
        root = await log_in(http, "root", ADMIN_PASSWORD)
        assert (await http.get("/auth/me", headers=root)).json()["role"] == "admin"


async def test_the_last_administrator_stays(closed: LoopbackServer) -> None:
    async with httpx.AsyncClient(base_url=closed.api_url, trust_env=False, timeout=100) as http:
        root = await log_in(http, "root", ADMIN_PASSWORD)
        own_id = (await http.get("/auth/me", headers=root)).json()["id"]
        path, password = f"/auth/users/{own_id}", {"current_password": ADMIN_PASSWORD}
        for refused in (
            await http.patch(path, json={"role": "user"}, headers=root),
            await http.patch(path, json={"is_active": False}, headers=root),
            await http.delete(path, headers=root),
            await http.request("DELETE", "/auth/me", json=password, headers=root),
        ):
            assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
        assert (await http.get("/auth/users", headers=root)).status_code == 200


@pytest.mark.parametrize("way", ["demote", "deactivate", "delete", "leave"])
async def test_of_all_administrators_who_go_at_once_one_stays(
    closed: LoopbackServer, way: str
) -> None:
    async with httpx.AsyncClient(base_url=closed.api_url, trust_env=False, timeout=100) as http:
        root = await log_in(http, "root", ADMIN_PASSWORD)
        me = (await http.get("/auth/me", headers=root)).json()
        added = [await add_admin(http, root, f"{way}-{number}") for number in range(3)]
        callers = [await log_in(http, admin["username"], PASSWORD) for admin in added]
        await http.patch(f"/auth/users/{me['id']}", json={"role": "user"}, headers=root)

        async def go(admin: JSON, headers: dict[str, str]) -> httpx.Response:
            path = f"/auth/users/{admin['id']}"
            if way == "delete":
                return await http.delete(path, headers=headers)
            if way == "leave":
                body = {"current_password": PASSWORD}
                return await http.request("DELETE", "/auth/me", json=body, headers=headers)
            change = {"role": "user"} if way == "demote" else {"is_active": False}
            return await http.patch(path, json=change, headers=headers)

        answers = await asyncio.gather(*map(go, added, callers))
        assert sorted(answer.is_success for answer in answers) == [False, True, True]
        stays = next(i for i, answer in enumerate(answers) if answer.status_code == 409)
        back = await http.patch(
            f"/auth/users/{me['id']}", json={"role": "admin"}, headers=callers[stays]
        )
        assert back.status_code == 200
        last = f"/auth/users/{added[stays]['id']}"
        assert (await http.delete(last, headers=root)).status_code == 204


def test_a_bad_first_administrator_is_told_why_without_the_password() -> None:
    with pytest.raises(BadAdminError, match=r"password: .*at least 8") as refused:
        check_admin("root", "root@example.org", "s3cr3t")
    assert "s3cr3t" not in repr(refused.value)
    with pytest.raises(BadAdminError, match="email: "):
        check_admin("root", "nobody", ADMIN_PASSWORD)
