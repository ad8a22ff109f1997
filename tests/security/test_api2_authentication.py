"""OWASP API2:2023. Nobody gets in with a token that we did not make, or that has ended."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from src.config import Settings
from tests.conftest import execute
from tests.fixtures.users import PASSWORD, User, bearer


def decode(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def encode(value: object) -> str:
    raw = json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign(header: object, claims: object, key: bytes, digest: str = "sha256") -> str:
    """Sign by hand: no library would make some of these."""
    signed = f"{encode(header)}.{encode(claims)}"
    signature = hmac.new(key, signed.encode(), getattr(hashlib, digest)).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.fixture
def secret(settings: Settings) -> bytes:
    assert settings.auth.secret_key is not None
    return settings.auth.secret_key.get_secret_value().encode()


async def test_forged_tokens_open_nothing(user: User, stranger: User, secret: bytes) -> None:
    header, claims = (decode(part) for part in user.token.split(".")[:2])
    assert (await user.http.get("/auth/me")).status_code == 200
    genuine = sign(header, claims, secret)
    assert (await user.http.get("/auth/me", headers=bearer(genuine))).status_code == 200
    signature = user.token.rpartition(".")[2]
    theirs = decode(stranger.token.split(".")[1])
    forged = {
        "no algorithm": f"{encode(header | {'alg': 'none'})}.{encode(claims)}.",
        "no algorithm, a signature": (
            f"{encode(header | {'alg': 'none'})}.{encode(claims)}.{signature}"
        ),
        "odd case": f"{encode(header | {'alg': 'nOnE'})}.{encode(claims)}.",
        "another algorithm": sign(header | {"alg": "HS512"}, claims, secret, "sha512"),
        "a public key's": sign(header | {"alg": "RS256"}, claims, secret),
        "another key": sign(header, claims, b"x" * 32),
        "an empty key": sign(header, claims, b""),
        "another's key id": sign(header | {"kid": "../../dev/null"}, claims, b""),
        "no key id": sign({"alg": "HS256", "typ": "JWT"}, claims, secret),
        "a key of its own": sign(
            header | {"jwk": {"kty": "oct", "k": encode("x")}, "kid": "x"}, claims, b"x"
        ),
        "a key from elsewhere": sign(
            header | {"jku": "http://127.0.0.1/", "kid": "x"}, claims, b""
        ),
        "another's claims": f"{encode(header)}.{encode(theirs)}.{signature}",
        "expired": sign(header, claims | {"exp": int(time.time()) - 1}, secret),
        "never expires": sign(header, {k: v for k, v in claims.items() if k != "exp"}, secret),
        "expires with words": sign(header, claims | {"exp": "never"}, secret),
        "of the future": sign(header, claims | {"iat": int(time.time()) + 3600}, secret),
        "another issuer": sign(header, claims | {"iss": "elsewhere"}, secret),
        "another audience": sign(header, claims | {"aud": "elsewhere"}, secret),
        "another's login": sign(header, claims | {"sid": theirs["sid"]}, secret),
        "another user": sign(header, claims | {"sub": theirs["sub"]}, secret),
        "no login": sign(header, claims | {"sid": str(uuid4())}, secret),
        "no uuid": sign(header, claims | {"sub": "' OR 1=1 --"}, secret),
        "a list": sign(header, [claims], secret),
        "too long": "a" * 20_000,
        "two dots": "..",
        "spaces": "a b c",
    }
    for how, token in forged.items():
        response = await user.http.get("/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, how
        assert response.headers["WWW-Authenticate"] == "Bearer", how


async def test_a_role_in_a_token_means_nothing(user: User, secret: bytes) -> None:
    header, claims = (decode(part) for part in user.token.split(".")[:2])
    token = sign(header, claims | {"role": "admin", "scopes": ["*"]}, secret)
    response = await user.http.get("/auth/users", headers=bearer(token))
    assert response.json()["code"] == "admin_required"


async def test_one_kind_of_token_is_not_another(user: User) -> None:
    key = (await user.make_key("chat"))["key"]
    for credential in (user.refresh_token, key[:-1], key.upper(), key.split("_")[1]):
        response = await user.http.get("/auth/me", headers=bearer(credential))
        assert response.status_code == 401
    for token in (user.token, key):
        response = await user.http.post("/auth/refresh", json={"refresh_token": token})
        assert response.status_code in {401, 422}


async def test_a_token_that_was_decoded_once_ends_with_its_login(user: User) -> None:
    for _ in range(3):
        assert (await user.http.get("/auth/me")).status_code == 200
    assert (await user.http.post("/auth/logout")).status_code == 204
    assert (await user.http.get("/auth/me")).status_code == 401


async def test_a_token_that_was_decoded_once_expires(user: User, secret: bytes) -> None:
    header, claims = (decode(part) for part in user.token.split(".")[:2])
    token = sign(header, claims | {"exp": int(time.time()) + 2}, secret)
    statuses = set()
    async with asyncio.timeout(60):
        while 401 not in statuses:
            statuses.add((await user.http.get("/auth/me", headers=bearer(token))).status_code)
    assert statuses <= {200, 401}


async def test_a_wrong_password_says_nothing_of_the_account(
    user: User, anonymous: httpx.AsyncClient
) -> None:
    """The same words for a name that exists and for one that does not, and the same work."""
    answers = [
        await anonymous.post("/auth/token", data={"username": name, "password": "wrong guess 1"})
        for name in (user.username, f"{user.username}-nobody", f"{user.username}@example.org")
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1


async def test_no_page_is_told_a_password_or_a_hash(user: User) -> None:
    texts = [
        (await user.http.get(path)).text
        for path in ("/auth/me", "/auth/logins", "/auth/api-keys", "/auth/events")
    ]
    for text in texts:
        assert PASSWORD not in text
        assert "argon2" not in text
        assert "hash" not in text


async def test_a_disabled_user_is_refused_whatever_their_login_says(
    user: User, database_url: str
) -> None:
    key = (await user.make_key("chat"))["key"]
    await execute(database_url, "UPDATE users SET is_active = false WHERE id = $1", UUID(user.id))
    for headers in ({}, bearer(key)):
        assert (await user.http.get("/auth/me", headers=headers)).status_code == 401
