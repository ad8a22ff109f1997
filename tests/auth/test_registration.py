import secrets

import httpx
import pytest

from tests.conftest import UserFactory
from tests.fixtures.users import JSON, PASSWORD


def make_account(**changes: object) -> JSON:
    name = f"u{secrets.token_hex(6)}"
    return {
        "username": name,
        "email": f"{name}@example.org",
        "password": PASSWORD,
    } | changes


async def test_an_account_can_be_made_and_used(anonymous: httpx.AsyncClient) -> None:
    account = make_account()
    registered = await anonymous.post("/auth/register", json=account)
    assert registered.status_code == 201
    assert "password" not in registered.text
    form = {"username": account["username"], "password": PASSWORD}
    token = (await anonymous.post("/auth/token", data=form)).json()
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 15 * 60
    me = await anonymous.get(
        "/auth/me", headers={"Authorization": f"Bearer {token['access_token']}"}
    )
    assert me.json() == registered.json()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "has space"),
        ("username", "a@b.example"),
        ("username", "name\u0000"),
        ("username", "аdmin"),  # noqa: RUF001, a Cyrillic letter that looks like a Latin one
        ("email", "nobody"),
        ("password", "short1"),
        ("password", "no digits here"),
        ("password", "1" * 129),
    ],
)
async def test_a_bad_account_is_refused_with_the_field(
    anonymous: httpx.AsyncClient, field: str, value: str
) -> None:
    response = await anonymous.post("/auth/register", json=make_account(**{field: value}))
    assert response.status_code == 422
    assert response.json()["code"] == "validation_failed"
    assert [error["location"] for error in response.json()["errors"]] == [f"body.{field}"]


async def test_a_misspelt_field_is_refused(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.post("/auth/register", json=make_account(role="admin"))
    assert response.status_code == 422


@pytest.mark.parametrize("field", ["username", "email"])
async def test_names_are_unique_in_any_case(anonymous: httpx.AsyncClient, field: str) -> None:
    first, second = make_account(), make_account()
    assert (await anonymous.post("/auth/register", json=first)).status_code == 201
    second[field] = first[field].upper()
    response = await anonymous.post("/auth/register", json=second)
    assert response.status_code == 409
    assert response.json()["code"] == f"{field}_taken"


async def test_a_look_alike_address_is_taken_as_well(anonymous: httpx.AsyncClient) -> None:
    local = f"anna{secrets.token_hex(4)}"
    first = make_account(email=f"{local}@münchen.example.org")
    assert (await anonymous.post("/auth/register", json=first)).status_code == 201
    for email in (
        f"{local}@xn--mnchen-3ya.example.org",
        f"ａ{local[1:]}@münchen.example.org",  # noqa: RUF001, a full-width letter
        f"а{local[1:]}@münchen.example.org",  # noqa: RUF001, a Cyrillic letter
        f"{local}@MÜNCHEN.EXAMPLE.ORG",
    ):
        response = await anonymous.post("/auth/register", json=make_account(email=email))
        assert (response.status_code, response.json()["code"]) == (409, "email_taken"), email
        form = {"username": email, "password": PASSWORD}
        assert (await anonymous.post("/auth/token", data=form)).status_code == 200


async def test_one_logs_in_by_name_or_email_in_any_case(
    anonymous: httpx.AsyncClient, make_user: UserFactory
) -> None:
    user = await make_user()
    for name in (user.username.upper(), f"{user.username}@EXAMPLE.org"):
        form = {"username": name, "password": PASSWORD}
        assert (await anonymous.post("/auth/token", data=form)).status_code == 200


@pytest.mark.parametrize("name", ["nobody-has-this-name", "nobody@example.org"])
async def test_an_unknown_user_gets_the_same_answer_as_a_wrong_password(
    anonymous: httpx.AsyncClient, make_user: UserFactory, name: str
) -> None:
    user = await make_user()
    answers = []
    for username in (name, user.username):
        form = {"username": username, "password": "wrong password 1"}
        response = await anonymous.post("/auth/token", data=form)
        problem = response.json()
        del problem["request_id"]
        answers.append((response.status_code, response.headers["WWW-Authenticate"], problem))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    assert answers[0][2]["code"] == "invalid_credentials"


async def test_a_name_that_cannot_be_stored_is_no_server_error(
    anonymous: httpx.AsyncClient,
) -> None:
    form = {"username": "nul\u0000", "password": PASSWORD}
    response = await anonymous.post("/auth/token", data=form)
    assert (response.status_code, response.json()["code"]) == (422, "unstorable_value")
