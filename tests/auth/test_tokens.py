"""Whatever is wrong with a token, its bearer is nobody."""

import base64
import json
from datetime import timedelta
from uuid import uuid4

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.auth.exceptions import InvalidTokenError
from src.auth.tokens import AccessClaims, AccessTokens
from src.config import Settings
from src.database import utc_now
from tests.fixtures.users import JSON, User

KEY = "k" * 32


def make_claims(**changes: object) -> JSON:
    now = utc_now()
    return {
        "iss": "colloquy",
        "aud": "colloquy-api",
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "iat": now,
        "exp": now + timedelta(minutes=1),
        "jti": "1",
    } | changes


def sign(claims: JSON, key: str = KEY, algorithm: str = "HS256", **headers: str) -> str:
    issued = AccessTokens([KEY], timedelta(minutes=1)).issue(uuid4(), uuid4())
    kid = jwt.get_unverified_header(issued)["kid"]
    return jwt.encode(claims, key, algorithm, headers={"kid": kid, **headers})


def read(token: str) -> None:
    AccessTokens([KEY], timedelta(minutes=1)).read(token)


def test_a_token_names_its_user_and_login() -> None:
    tokens = AccessTokens([KEY], timedelta(minutes=1))
    claims = AccessClaims(uuid4(), uuid4())
    assert tokens.read(tokens.issue(claims.user_id, claims.login_id)) == claims


def test_what_sign_makes_is_accepted_unless_it_is_changed() -> None:
    read(sign(make_claims()))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody"},
        {"aud": "another-api"},
        {"exp": utc_now() - timedelta(seconds=1)},
        {"sub": "not-a-uuid"},
        {"sub": 7},
        {"sid": "not-a-uuid"},
        {"sid": 7},
        {"sid": None},
    ],
)
def test_a_wrong_claim_is_refused(changes: JSON) -> None:
    with pytest.raises(InvalidTokenError):
        read(sign(make_claims(**changes)))


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "sid", "iat", "exp", "jti"])
def test_a_missing_claim_is_refused(claim: str) -> None:
    claims = make_claims()
    del claims[claim]
    with pytest.raises(InvalidTokenError):
        read(sign(claims))


def test_another_key_or_algorithm_is_refused() -> None:
    with pytest.raises(InvalidTokenError):
        read(sign(make_claims(), key="x" * 32))
    with pytest.raises(InvalidTokenError):
        read(sign(make_claims(), key=KEY * 2, algorithm="HS512"))
    with pytest.raises(InvalidTokenError):
        read(sign(make_claims(), kid="unknown"))


def test_an_unsigned_token_is_refused() -> None:
    header, payload, _ = sign(make_claims()).split(".")
    decoded = json.loads(base64.urlsafe_b64decode(header + "=="))
    forged = json.dumps(decoded | {"alg": "none"}).encode()
    unsigned = base64.urlsafe_b64encode(forged).decode().rstrip("=")
    with pytest.raises(InvalidTokenError):
        read(f"{unsigned}.{payload}.")


def test_a_header_nested_too_deep_is_refused() -> None:
    header = base64.urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=")
    with pytest.raises(InvalidTokenError):
        read(f"{header}.e30.e30")


def test_a_former_key_is_still_accepted_and_no_longer_used() -> None:
    old = AccessTokens([KEY], timedelta(minutes=1)).issue(uuid4(), uuid4())
    rotated = AccessTokens(["n" * 32, KEY], timedelta(minutes=1))
    rotated.read(old)
    with pytest.raises(InvalidTokenError):
        read(rotated.issue(uuid4(), uuid4()))


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(InvalidTokenError):
        read(garbage)


@given(st.data())
def test_a_tampered_token_is_refused(data: st.DataObject) -> None:
    token = sign(make_claims())
    position = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = token[:position] + other + token[position + 1 :]
    if changed != token:
        with pytest.raises(InvalidTokenError):
            read(changed)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic YTpi", "Bearer \xff"])
async def test_nobody_gets_in_without_a_token(anonymous: httpx.AsyncClient, header: str) -> None:
    response = await anonymous.get(
        "/auth/me", headers=[(b"Authorization", header.encode("latin-1"))]
    )
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] in {"not_authenticated", "invalid_token"}


async def test_a_token_of_nobody_is_refused(
    anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    assert settings.auth.secret_key is not None
    tokens = AccessTokens([settings.auth.secret_key.get_secret_value()], timedelta(minutes=1))
    headers = {"Authorization": f"Bearer {tokens.issue(uuid4(), uuid4())}"}
    assert (await anonymous.get("/auth/me", headers=headers)).json()["code"] == "invalid_token"


async def test_an_expired_token_is_refused(
    anonymous: httpx.AsyncClient, settings: Settings, user: User
) -> None:
    assert settings.auth.secret_key is not None
    keys = [settings.auth.secret_key.get_secret_value()]
    claims = AccessTokens(keys, timedelta(minutes=1)).read(user.token)
    for seconds, status in ((60, 200), (-1, 401)):
        tokens = AccessTokens(keys, timedelta(seconds=seconds))
        headers = {"Authorization": f"Bearer {tokens.issue(claims.user_id, claims.login_id)}"}
        assert (await anonymous.get("/auth/me", headers=headers)).status_code == status
