"""Whatever is sent to the open doors is answered, and never with a server error."""

import base64
import json
import secrets
from typing import Any

import httpx
import jwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.users import PASSWORD, User

# The fixtures are a server and a client, which examples may well share.
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
valid_names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{2,20}\Z")
passwords = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=128)


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@quick
@given(st.dictionaries(st.sampled_from(["username", "email", "password", "role"]), anything))
async def test_any_registration_is_made_or_refused(
    anonymous: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    response = await anonymous.post(
        "/auth/register",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code in {201, 409, 422}, response.text


@quick
@given(st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "x"]))
async def test_any_body_is_refused(
    anonymous: httpx.AsyncClient, body: bytes, media_type: str
) -> None:
    for path in ("/auth/register", "/auth/token", "/auth/refresh"):
        response = await anonymous.post(path, content=body, headers={"Content-Type": media_type})
        assert 400 <= response.status_code < 500, response.text


@quick
@given(valid_names, passwords)
async def test_who_registers_can_log_in_with_just_this_password(
    anonymous: httpx.AsyncClient, name: str, password: str
) -> None:
    unique = f"{name[:20]}{secrets.token_hex(5)}"
    account = {"username": unique, "email": f"{unique[-10:]}@example.org", "password": password}
    registered = await anonymous.post("/auth/register", json=account)
    if not any(character.isdigit() for character in password):
        assert registered.status_code == 422
        return
    assert registered.status_code == 201, registered.text
    form = {"username": unique.swapcase(), "password": password}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 200
    form["password"] = password[:-1]
    assert (await anonymous.post("/auth/token", data=form)).status_code == 401


@quick
@given(st.text(max_size=300), st.text(max_size=200))
async def test_any_login_is_refused(
    anonymous: httpx.AsyncClient, username: str, password: str
) -> None:
    form = {
        "username": username.encode(errors="replace").decode(),
        "password": password.encode(errors="replace").decode(),
    }
    response = await anonymous.post("/auth/token", data=form)
    assert response.status_code in {401, 422}, response.text


@quick
@given(st.data())
async def test_a_changed_token_is_nobodys(
    anonymous: httpx.AsyncClient, user: User, data: st.DataObject
) -> None:
    header, payload, signature = user.token.split(".")
    claims = jwt.decode(user.token, options={"verify_signature": False})
    name = data.draw(st.sampled_from([*claims, "role", "scopes", "is_admin"]))
    claims[name] = data.draw(anything.filter(lambda value: value != claims.get(name)))
    kid = jwt.get_unverified_header(user.token)["kid"]
    algorithm = data.draw(st.sampled_from(["none", "None", "HS256", "HS512", "RS256", ""]))
    forged = data.draw(
        st.sampled_from(
            [
                user.token[: data.draw(st.integers(1, len(user.token) - 1))],
                f"{header}.{encode(claims)}.{signature}",
                f"{encode({'alg': algorithm, 'kid': kid})}.{encode(claims)}.",
                f"{encode({'alg': algorithm, 'kid': kid})}.{payload}.",
                f"{encode({'alg': algorithm, 'kid': data.draw(anything)})}.{payload}.{signature}",
                f"{encode(data.draw(anything))}.{payload}.{signature}",
                f"{header}.{payload}.{signature}.{signature}",
                f"{header}.{payload}",
            ]
        )
    )
    headers = [(b"Authorization", f"Bearer {forged}".encode())]
    response = await anonymous.get("/auth/me", headers=headers)
    assert response.status_code == 401, response.text
    assert response.json()["code"] in {"invalid_token", "not_authenticated"}


async def test_what_was_changed_above_was_good_before(
    anonymous: httpx.AsyncClient, user: User
) -> None:
    headers = {"Authorization": f"Bearer {user.token}"}
    assert (await anonymous.get("/auth/me", headers=headers)).status_code == 200
    form = {"username": user.username, "password": PASSWORD}
    assert (await anonymous.post("/auth/token", data=form)).status_code == 200
