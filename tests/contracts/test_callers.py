"""Who may call what: every operation of the OpenAPI document is on one of these lists."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.responses import PlainTextResponse

from src.access import UnlistedRouteError, require_access_rows
from src.config import Settings
from src.main import create_app
from tests.conftest import UserFactory, execute
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON, User, bearer

PUBLIC = {
    "health_check_live",
    "health_check_ready",
    "health_check_serving",
    "health_check_startup",
    "auth_register",
    "auth_log_in",
    "auth_refresh",
}

# What a user sees of what is their own, and a stranger does not.
OWNED = {
    "documents_get_document": "document_id",
    "documents_update_document": "document_id",
    "documents_download_document": "document_id",
    "documents_follow_document": "document_id",
    "documents_reprocess_document": "document_id",
    "documents_delete_document": "document_id",
    "documents_list_chunks": "document_id",
    "chat_get_session": "session_id",
    "chat_update_session": "session_id",
    "chat_delete_session": "session_id",
    "chat_list_messages": "session_id",
    "chat_get_message": "message_id",
    "auth_revoke_login": "login_id",
    "auth_revoke_api_key": "key_id",
    "chat_resume_stream": "message_id",
    "chat_stop_message": "message_id",
    "chat_regenerate_message": "message_id",
    "chat_set_feedback": "message_id",
    "chat_delete_feedback": "message_id",
    "chat_export_session": "session_id",
}

# What acts on the caller alone; ids in the body are tested below.
OWN = {
    "auth_log_out",
    "auth_log_out_everywhere",
    "auth_get_me",
    "auth_update_me",
    "auth_delete_me",
    "auth_change_password",
    "auth_list_logins",
    "auth_create_api_key",
    "auth_list_api_keys",
    "auth_list_events",
    "documents_upload_documents",
    "documents_list_documents",
    "documents_search_documents",
    "documents_get_usage",
    "chat_ask",
    "chat_ask_stream",
    "chat_create_session",
    "chat_list_sessions",
    "llm_create_embeddings",
    "llm_list_usage",
    "openai_create_chat_completion",
    "openai_create_completion",
    "openai_create_embedding",
    "openai_create_response",
    "chat_search_messages",
}

# The same for every user.
SHARED = {
    "documents_list_formats",
    "llm_list_models",
    "llm_get_model",
    "llm_get_status",
    "openai_list_models",
    "openai_get_model",
}

# For administrators, about everybody.
ADMIN = {
    "auth_list_users",
    "auth_create_user",
    "auth_get_user",
    "auth_update_user",
    "auth_delete_user",
    "auth_list_user_events",
    "auth_list_all_events",
    "llm_delete_model",
    "llm_pull_model",
}

# What an API key may do at all, and the scopes of which it needs one.
BY_KEY: dict[str, set[str]] = {
    "auth_get_me": {"chat", "documents:read", "documents:write", "llm"},
    "documents_upload_documents": {"documents:write"},
    "documents_delete_document": {"documents:write"},
    "documents_list_documents": {"documents:read"},
    "documents_search_documents": {"documents:read"},
    "documents_get_document": {"documents:read"},
    "documents_list_chunks": {"documents:read"},
    "documents_get_usage": {"documents:read"},
    "documents_list_formats": {"documents:read", "documents:write"},
    "documents_download_document": {"documents:read"},
    "documents_follow_document": {"documents:read"},
    "documents_update_document": {"documents:write"},
    "documents_reprocess_document": {"documents:write"},
    "chat_ask": {"chat"},
    "chat_ask_stream": {"chat"},
    "chat_create_session": {"chat"},
    "chat_list_sessions": {"chat"},
    "chat_get_session": {"chat"},
    "chat_update_session": {"chat"},
    "chat_delete_session": {"chat"},
    "chat_list_messages": {"chat"},
    "chat_get_message": {"chat"},
    "chat_resume_stream": {"chat"},
    "chat_stop_message": {"chat"},
    "chat_regenerate_message": {"chat"},
    "chat_set_feedback": {"chat"},
    "chat_delete_feedback": {"chat"},
    "chat_export_session": {"chat"},
    "chat_search_messages": {"chat"},
    "llm_list_models": {"llm", "chat"},
    "llm_get_model": {"llm", "chat"},
    "llm_get_status": {"llm", "chat"},
    "llm_create_embeddings": {"llm"},
    "llm_list_usage": {"llm", "chat"},
    "openai_create_chat_completion": {"llm", "chat"},
    "openai_create_completion": {"llm", "chat"},
    "openai_create_embedding": {"llm"},
    "openai_create_response": {"llm", "chat"},
    "openai_list_models": {"llm", "chat"},
    "openai_get_model": {"llm", "chat"},
}

BODIES: dict[str, JSON] = {
    "chat_update_session": {"title": "Mine now"},
    "chat_set_feedback": {"rating": "up"},
    "documents_update_document": {"title": "Mine now"},
}
# After these the caller is nobody.
ENDING = {"auth_log_out", "auth_log_out_everywhere"}
SCOPES = ("chat", "documents:read", "documents:write", "llm")


class Operation(NamedTuple):
    id: str
    method: str
    path: str
    responses: JSON

    def documents(self, response: httpx.Response) -> bool:
        """Tell whether the OpenAPI document lists this status, and the code of an error."""
        described = self.responses.get(str(response.status_code), {}).get("description", "")
        has_code = not response.is_success and not self.is_of_health
        return bool(described) and (not has_code or f"`{read_code(response)}`" in described)

    @property
    def is_of_health(self) -> bool:
        return self.path.startswith("/health/")


def list_operations() -> list[Operation]:
    document = create_app(Settings(_env_file=None)).openapi()
    return [
        Operation(operation["operationId"], method.upper(), path, operation["responses"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


OPERATIONS = list_operations()


def fill(path: str, ids: JSON) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda name: str(ids.get(name[1], uuid4())), path)


def read_code(response: httpx.Response) -> str:
    body = response.json()
    code: str = body["error"]["code"] if "error" in body else body["code"]
    return code


def test_every_operation_has_its_callers() -> None:
    listed = [*PUBLIC, *OWNED, *OWN, *SHARED, *ADMIN]
    assert sorted(operation.id for operation in OPERATIONS) == sorted(listed)


def test_every_operation_says_how_callers_identify_themselves() -> None:
    document = create_app(Settings(_env_file=None)).openapi()
    for operations in document["paths"].values():
        for operation in operations.values():
            is_public = operation["operationId"] in PUBLIC
            assert ("security" in operation) is not is_public, operation["operationId"]


def test_a_route_without_a_row_keeps_the_application_from_starting() -> None:
    async def leak() -> None: ...

    app = create_app(Settings(_env_file=None))
    for add in (app.get("/leak", tags=["auth"]), app.websocket("/leak")):
        add(leak)
        with pytest.raises(UnlistedRouteError, match=r"leak.*src/access\.py"):
            require_access_rows(app)
        app.router.routes.pop()
    require_access_rows(app)
    app.mount("/leak", PlainTextResponse("leak"), name="leak")
    with pytest.raises(UnlistedRouteError):
        require_access_rows(app)


class Caller(NamedTuple):
    headers: dict[str, str]
    # With which a caller is turned away everywhere, if at all.
    refusal: str | None = None
    scope: str | None = None
    is_admin: bool = False

    def expect(self, operation_id: str) -> tuple[int, str] | None:
        """Return the refusal, or None where this caller is let in."""
        if operation_id in PUBLIC:
            return None
        if self.refusal is not None:
            is_openai = operation_id.startswith("openai_")
            return 401, "invalid_api_key" if is_openai else self.refusal
        if self.scope is not None:
            if operation_id not in BY_KEY:
                return 403, "login_required"
            return None if self.scope in BY_KEY[operation_id] else (403, "missing_scope")
        return (403, "admin_required") if operation_id in ADMIN and not self.is_admin else None


CallerFactory = Callable[[str], Awaitable[Caller]]


@pytest.fixture
def make_caller(make_user: UserFactory, admin: User, database_url: str) -> CallerFactory:
    async def make(kind: str) -> Caller:
        if kind == "anonymous":
            return Caller({}, refusal="not_authenticated")
        user = await make_user()
        key = bearer((await user.make_key(*SCOPES))["key"])
        if kind == "user":
            return Caller(bearer(user.token))
        if kind.startswith("deactivated"):
            await admin.http.patch(f"/auth/users/{user.id}", json={"is_active": False})
            if kind == "deactivated key":
                return Caller(key, refusal="invalid_api_key")
            return Caller(bearer(user.token), refusal="invalid_token")
        await execute(database_url, "UPDATE users SET role = 'admin' WHERE id = $1", UUID(user.id))
        if kind == "admin":
            return Caller(bearer(user.token), is_admin=True)
        return Caller({"X-API-Key": (await user.make_key(kind))["key"]}, scope=kind)

    return make


@pytest.mark.parametrize(
    "kind", ["anonymous", "user", "admin", "deactivated", "deactivated key", *SCOPES]
)
async def test_every_operation_lets_in_whom_it_should(
    anonymous: httpx.AsyncClient, server: LoopbackServer, make_caller: CallerFactory, kind: str
) -> None:
    """The requests name nothing that exists and are mostly empty: only who asks matters."""
    shared = await make_caller(kind)
    for operation in OPERATIONS:
        caller = await make_caller(kind) if operation.id in ENDING else shared
        response = await anonymous.request(
            operation.method, server.url + fill(operation.path, {}), headers=caller.headers
        )
        assert operation.documents(response), (operation, response.text)
        refusal = caller.expect(operation.id)
        if refusal is None:
            assert response.status_code not in {401, 403}, (operation, response.text)
            # A busy machine may not be ready; to say so is an answer too.
            worst = 503 if operation.is_of_health else 499
            assert response.status_code <= worst, (operation, response.text)
        else:
            assert (response.status_code, read_code(response)) == refusal, operation
            assert ("WWW-Authenticate" in response.headers) is (refusal[0] == 401)


@pytest.fixture
async def belongings(user: User) -> JSON:
    """A document, a chat and an answer of one user."""
    document = await user.add_document("The treasure is buried on Skull Island.")
    answer = await user.ask("Where is the treasure?")
    logins = (await user.http.get("/auth/logins")).json()
    return {
        "document_id": document["id"],
        "session_id": answer["session_id"],
        "message_id": answer["message_id"],
        "login_id": logins["items"][0]["id"],
        "key_id": (await user.make_key("chat"))["id"],
    }


@pytest.mark.parametrize("kind", ["user", "admin", "key"])
async def test_a_stranger_finds_nothing_by_id(
    stranger: User, admin: User, user: User, belongings: JSON, kind: str
) -> None:
    if kind == "key":
        key = await stranger.make_key(*SCOPES)
        stranger.http.headers["Authorization"] = f"Bearer {key['key']}"
    stranger = admin if kind == "admin" else stranger
    for operation in OPERATIONS:
        if operation.id not in OWNED or (kind == "key" and operation.id not in BY_KEY):
            continue
        body = BODIES.get(operation.id)
        theirs, missing = [
            await stranger.http.request(
                operation.method, fill(operation.path, ids).removeprefix("/api/v1"), json=body
            )
            for ids in (belongings, {})
        ]
        assert theirs.status_code == 404, operation
        assert operation.documents(theirs), operation
        assert theirs.json()["code"] == missing.json()["code"], operation
        assert theirs.json()["detail"] == missing.json()["detail"], operation
    for operation in OPERATIONS:
        if operation.id in OWNED and operation.method == "GET":
            response = await user.http.get(fill(operation.path, belongings).removeprefix("/api/v1"))
            assert response.status_code == 200, operation


async def test_a_stranger_finds_nothing_by_searching(stranger: User, belongings: JSON) -> None:
    assert (await stranger.http.get("/documents")).json()["items"] == []
    assert (await stranger.http.get("/chat/sessions")).json()["items"] == []
    for mode in ("hybrid", "dense", "sparse"):
        assert await stranger.search("treasure on Skull Island", mode=mode) == []
        aimed = await stranger.search(
            "treasure on Skull Island", mode=mode, document_ids=[belongings["document_id"]]
        )
        assert aimed == []


async def test_a_stranger_is_told_nothing_by_an_answer(stranger: User, belongings: JSON) -> None:
    for options in ({}, {"document_ids": [belongings["document_id"]]}):
        answer = await stranger.ask("Where is the treasure?", **options)
        assert answer["sources"] == []
        assert "Skull" not in answer["answer"]


async def test_a_stranger_cannot_go_on_with_a_chat(stranger: User, belongings: JSON) -> None:
    for path in ("/chat/query", "/chat/query/stream"):
        body = {"query": "What did we say?", "session_id": belongings["session_id"]}
        response = await stranger.http.post(path, json=body)
        assert (response.status_code, response.json()["code"]) == (404, "chat_session_not_found")


async def test_the_same_file_of_two_users_stays_apart(make_user: UserFactory, user: User) -> None:
    text = "Both of us know the password of the lighthouse."
    mine = await user.add_document(text)
    other = await make_user()
    theirs = await other.add_document(text)
    await other.http.delete(f"/documents/{theirs['id']}")
    found = await user.search("password of the lighthouse")
    assert {passage["document_id"] for passage in found} == {mine["id"]}
