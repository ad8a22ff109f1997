"""Guessing is slowed down, and nobody locks the owner out from elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network

import httpx
import pytest
from pydantic import SecretStr

from src.auth.exceptions import TooManyAttemptsError
from src.auth.limits import AttemptLimiter
from src.config import RateLimitSettings, Settings
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import PASSWORD, User, sign_up

ATTACKER, OWNER, PROXY = "203.0.113.7", "198.51.100.1", "127.0.0.1"


@pytest.fixture(scope="module")
async def limited(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LoopbackServer]:
    """A server behind a proxy on this machine, where few attempts are allowed."""
    limits = RateLimitSettings(
        login_failures_per_account=3,
        login_failures_per_address=6,
        refresh_failures_per_address=3,
        registrations_per_address=4,
    )
    update = {
        "rate_limit": limits,
        "trusted_proxies": (ip_network(PROXY),),
        "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
        "data_dir": tmp_path_factory.mktemp("limited"),
    }
    async with run_server(create_app(settings.model_copy(update=update))) as server:
        yield server


@pytest.fixture
async def http(limited: LoopbackServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=limited.api_url, trust_env=False, timeout=100) as http:
        yield http


async def log_in(http: httpx.AsyncClient, name: str, password: str, address: str) -> httpx.Response:
    form = {"username": name, "password": password}
    return await http.post("/auth/token", data=form, headers={"X-Forwarded-For": address})


def assert_too_many(response: httpx.Response) -> None:
    assert (response.status_code, response.json()["code"]) == (429, "too_many_attempts")
    assert 0 < int(response.headers["Retry-After"]) <= 900


async def test_an_attacker_is_stopped_and_the_owner_is_not(
    http: httpx.AsyncClient, user: User
) -> None:
    for _ in range(3):
        assert (await log_in(http, user.username, "a guess 1", ATTACKER)).status_code == 401
    assert_too_many(await log_in(http, user.username.upper(), PASSWORD, ATTACKER))
    assert (await log_in(http, user.username, PASSWORD, OWNER)).status_code == 200
    spoofed = f"{OWNER}, {ATTACKER}"
    assert_too_many(await log_in(http, user.username, PASSWORD, spoofed))


async def test_many_accounts_from_one_address_are_stopped(
    http: httpx.AsyncClient, user: User
) -> None:
    address = "203.0.113.8"
    statuses = [
        (await log_in(http, f"nobody-{number}", "a guess 1", address)).status_code
        for number in range(8)
    ]
    assert statuses == [401] * 6 + [429] * 2
    assert_too_many(await log_in(http, user.username, PASSWORD, address))
    assert (await log_in(http, user.username, PASSWORD, "2001:db8::1")).status_code == 200


async def test_guesses_made_at_once_are_counted_as_well(
    http: httpx.AsyncClient, user: User
) -> None:
    address = "203.0.113.9"
    guesses = (log_in(http, user.username, "a guess 1", address) for _ in range(20))
    statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
    # Those who had a turn at the same time did not see one another's failure.
    assert 3 <= statuses.count(401) <= 4
    assert statuses.count(429) == 20 - statuses.count(401)


async def test_right_passwords_do_not_count(http: httpx.AsyncClient, user: User) -> None:
    answers = [await log_in(http, user.username, PASSWORD, "203.0.113.10") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}


async def test_guessing_with_a_stolen_access_token_is_limited_too(
    limited: LoopbackServer,
) -> None:
    async with sign_up(limited.api_url) as user:
        body = {"current_password": "a guess 1", "new_password": "mine now 1"}
        answers = [await user.http.post("/auth/me/password", json=body) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
        body = {"current_password": PASSWORD}
        assert_too_many(await user.http.request("DELETE", "/auth/me", json=body))


async def test_refreshing_and_registering_are_limited(http: httpx.AsyncClient) -> None:
    headers = {"X-Forwarded-For": "203.0.113.11"}
    for path, body, allowed, status in (
        ("/auth/refresh", {"refresh_token": "cr_guess"}, 3, 401),
        (
            "/auth/register",
            {"username": "someone", "email": "x@example.org", "password": PASSWORD},
            4,
            409,
        ),
    ):
        await http.post(path, json=body, headers={"X-Forwarded-For": "203.0.113.12"})
        answers = [await http.post(path, json=body, headers=headers) for _ in range(allowed + 1)]
        assert [answer.status_code for answer in answers[:-1]] == [status] * allowed
        assert_too_many(answers[-1])


async def test_a_user_cannot_try_who_else_is_here(
    http: httpx.AsyncClient, user: User, stranger: User
) -> None:
    headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": "203.0.113.13"}
    name = {"username": stranger.username}
    answers = [await http.patch("/auth/me", json=name, headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers[:-1]] == [409] * 4
    assert_too_many(answers[-1])


async def test_without_a_trusted_proxy_the_header_is_nothing(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    await log_in(anonymous, user.username, PASSWORD, ATTACKER)
    logins = (await user.http.get("/auth/logins")).json()["items"]
    assert {login["address"] for login in logins} == {"127.0.0.1"}


async def test_attempts_count_here_when_redis_is_away() -> None:
    url = SecretStr("async+redis://127.0.0.1:9/0")
    limiter = AttemptLimiter(RateLimitSettings(storage_url=url, login_failures_per_account=2))
    for _ in range(2):
        await limiter.check_login("somebody", ATTACKER)
        await limiter.count_login_failure("somebody", ATTACKER)
    with pytest.raises(TooManyAttemptsError) as refused:
        await limiter.check_login("somebody", ATTACKER)
    assert refused.value.retry_after_seconds
    await limiter.check_login("somebody", OWNER)
