"""OWASP API3:2023. Nobody sets what is not theirs to set, or sees what is not for them."""

import re

import httpx
import pytest

from tests.fixtures.users import PASSWORD, User

EXTRA = {
    "role": "admin",
    "is_admin": True,
    "is_active": False,
    "id": "00000000-0000-0000-0000-000000000000",
    "user_id": "00000000-0000-0000-0000-000000000000",
    "password_hash": "x",
    "created_at": "2000-01-01T00:00:00Z",
}


@pytest.mark.parametrize("name", EXTRA)
async def test_nobody_sets_a_property_that_is_not_asked_for(
    user: User, anonymous: httpx.AsyncClient, name: str
) -> None:
    account = {"username": f"x{name}", "email": f"x{name}@example.org", "password": PASSWORD}
    document = await user.upload(("a.md", b"A text."))
    document_id = document.json()["results"][0]["document"]["id"]
    attempts = [
        await anonymous.post("/auth/register", json={**account, name: EXTRA[name]}),
        await user.http.patch("/auth/me", json={name: EXTRA[name]}),
        await user.http.post("/chat/sessions", json={"title": "Mine", name: EXTRA[name]}),
        await user.http.patch(f"/documents/{document_id}", json={name: EXTRA[name]}),
        await user.http.post("/auth/api-keys", json={"name": "k", "scopes": [], name: EXTRA[name]}),
        await user.http.post("/chat/query", json={"query": "Well?", name: EXTRA[name]}),
    ]
    assert [response.status_code for response in attempts] == [422] * len(attempts)
    me = (await user.http.get("/auth/me")).json()
    assert (me["role"], me["is_active"], me["id"]) == ("user", True, user.id)


async def test_a_key_gets_no_scope_that_does_not_exist(user: User) -> None:
    for scopes in (["admin"], ["*"], ["documents:*"], ["chat", "admin"]):
        response = await user.http.post("/auth/api-keys", json={"name": "k", "scopes": scopes})
        assert response.status_code == 422


async def test_answers_hold_nothing_that_is_kept_inside(user: User, admin: User) -> None:
    await user.make_key("chat")
    await user.add_document("A text.")
    answer = await user.ask("What is there?")
    paths = [
        *("/auth/me", "/auth/logins", "/auth/api-keys", "/auth/events", "/documents"),
        *("/chat/sessions", f"/chat/sessions/{answer['session_id']}/messages", "/documents/usage"),
    ]
    texts = [(await user.http.get(path)).text for path in paths]
    texts.append((await admin.http.get("/auth/users")).text)
    names = set(re.findall(r'"(\w+)":', " ".join(texts)))
    assert {"username", "title", "sha256"} <= names
    for inside in ("hash", "argon2", "storage", "secret", "key_id", "refresh"):
        assert not [name for name in names if inside in name]
