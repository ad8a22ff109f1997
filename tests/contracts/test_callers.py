"""Who may call what: every operation of the OpenAPI document is on one of these lists."""

from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest

from src.config import Settings
from src.main import create_app
from tests.conftest import UserFactory
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON, User

PUBLIC = {"health_check_live", "health_check_ready", "auth_register", "auth_log_in"}

# What a user sees of what is their own, and a stranger does not.
OWNED = {
    "documents_get_document": "document_id",
    "documents_delete_document": "document_id",
    "documents_list_chunks": "document_id",
    "chat_get_session": "session_id",
    "chat_update_session": "session_id",
    "chat_delete_session": "session_id",
    "chat_list_messages": "session_id",
    "chat_get_message": "message_id",
}

# What acts on the caller alone; ids in the body are tested below.
OWN = {
    "auth_get_me",
    "documents_upload_documents",
    "documents_list_documents",
    "documents_search_documents",
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
}

# For admins alone; the tests of each module say what they do.
ADMIN = {"llm_delete_model", "llm_pull_model"}

# The same for every user.
SHARED = {
    "llm_list_models",
    "llm_get_model",
    "llm_get_status",
    "openai_list_models",
    "openai_get_model",
}

BODIES: dict[str, JSON] = {"chat_update_session": {"title": "Mine now"}}


class Operation(NamedTuple):
    id: str
    method: str
    path: str


def list_operations() -> list[Operation]:
    document = create_app(Settings(_env_file=None)).openapi()
    return [
        Operation(operation["operationId"], method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


OPERATIONS = list_operations()


def fill(path: str, ids: JSON) -> str:
    for name in ("document_id", "session_id", "message_id", "name"):
        path = path.replace(f"{{{name}}}", str(ids.get(name, uuid4())))
    return path.removeprefix("/api/v1")


def test_every_operation_has_its_callers() -> None:
    listed = [*PUBLIC, *OWNED, *OWN, *ADMIN, *SHARED]
    assert sorted(operation.id for operation in OPERATIONS) == sorted(listed)


@pytest.mark.parametrize(
    "operation", [op for op in OPERATIONS if op.id not in PUBLIC], ids=lambda op: op.id
)
async def test_anonymous_callers_are_turned_away(
    anonymous: httpx.AsyncClient, server: LoopbackServer, operation: Operation
) -> None:
    path = fill(operation.path, {})
    is_openai = path.startswith("/v1/")
    url = f"{server.url}{path}" if is_openai else path
    response = await anonymous.request(operation.method, url)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    if is_openai:
        assert response.json()["error"]["code"] == "invalid_api_key"
    else:
        assert response.json()["code"] == "not_authenticated"


@pytest.fixture
async def belongings(user: User) -> JSON:
    """A document, a chat and an answer of one user."""
    document = await user.add_document("The treasure is buried on Skull Island.")
    answer = await user.ask("Where is the treasure?")
    return {
        "document_id": document["id"],
        "session_id": answer["session_id"],
        "message_id": answer["message_id"],
    }


async def test_a_stranger_finds_nothing_by_id(stranger: User, user: User, belongings: JSON) -> None:
    for operation in OPERATIONS:
        if operation.id not in OWNED:
            continue
        body = BODIES.get(operation.id)
        theirs, missing = [
            await stranger.http.request(operation.method, fill(operation.path, ids), json=body)
            for ids in (belongings, {})
        ]
        assert theirs.status_code == 404, operation
        assert theirs.json()["code"] == missing.json()["code"], operation
        assert theirs.json()["detail"] == missing.json()["detail"], operation
    for operation in OPERATIONS:
        if operation.id in OWNED and operation.method == "GET":
            response = await user.http.get(fill(operation.path, belongings))
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
