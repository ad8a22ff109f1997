"""OWASP API6:2023. What one person does now and then, a program cannot do in bulk."""

import secrets

import httpx

from tests.conftest import UNLIMITED
from tests.fixtures.users import PASSWORD
from tests.security.conftest import ServerFactory


def make_account() -> dict[str, str]:
    name = f"bulk{secrets.token_hex(5)}"
    return {"username": name, "email": f"{name}@example.org", "password": PASSWORD}


async def test_accounts_are_not_made_in_bulk(run_with: ServerFactory) -> None:
    few = UNLIMITED.model_copy(update={"registrations_per_address": 2})
    async with (
        run_with(rate_limit=few) as server,
        httpx.AsyncClient(base_url=server.api_url, trust_env=False, timeout=100) as http,
    ):
        statuses = [
            # What a client says of its address counts for nothing without a trusted proxy.
            (
                await http.post(
                    "/auth/register",
                    json=make_account(),
                    headers={"X-Forwarded-For": f"10.0.0.{n}"},
                )
            ).status_code
            for n in range(4)
        ]
    assert statuses == [201, 201, 429, 429]


async def test_passwords_are_not_guessed_in_bulk(run_with: ServerFactory) -> None:
    few = UNLIMITED.model_copy(update={"login_failures_per_address": 3})
    async with (
        run_with(rate_limit=few) as server,
        httpx.AsyncClient(base_url=server.api_url, trust_env=False, timeout=100) as http,
    ):
        account = make_account()
        await http.post("/auth/register", json=account)
        for n in range(3):
            form = {"username": f"nobody{n}", "password": "a wrong guess 1"}
            assert (await http.post("/auth/token", data=form)).status_code == 401
        refused = await http.post("/auth/token", data=account)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert int(refused.headers["Retry-After"]) > 0
