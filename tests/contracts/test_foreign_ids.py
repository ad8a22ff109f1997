"""Ids of another user wherever a request can hold one besides its path, which `test_callers` does.

The OpenAPI document says where that is: a place without a row here fails the first test.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from src.config import Settings
from src.main import create_app
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON, User

SESSION = (404, "chat_session_not_found")
MESSAGE = (404, "message_not_found")
# A filter that lets nothing through: what it names is not the caller's.
NOTHING = (200, "nothing")
# A place in a list; what follows is the caller's own.
OWN = (200, "own")

PLACES = {
    "chat_ask session_id": SESSION,
    "chat_ask parent_message_id": MESSAGE,
    "chat_ask document_ids": NOTHING,
    "chat_ask_stream session_id": SESSION,
    "chat_ask_stream parent_message_id": MESSAGE,
    "chat_ask_stream document_ids": NOTHING,
    "chat_create_session document_ids": NOTHING,
    "chat_update_session document_ids": NOTHING,
    "chat_list_messages leaf": MESSAGE,
    "chat_list_messages cursor": OWN,
    "chat_export_session leaf": MESSAGE,
    "documents_search_documents document_ids": NOTHING,
    "openai_create_chat_completion X-Colloquy-Session": SESSION,
    "openai_create_chat_completion document_ids": NOTHING,
    "openai_create_completion X-Colloquy-Session": SESSION,
    "openai_create_completion document_ids": NOTHING,
    "openai_create_response X-Colloquy-Session": SESSION,
    "openai_create_response document_ids": NOTHING,
    "frame query.session_id": SESSION,
    "frame query.parent_message_id": MESSAGE,
    "frame query.document_ids": NOTHING,
    "frame resume message_id": MESSAGE,
    "frame stop message_id": MESSAGE,
}

DOCUMENT: JSON = create_app(Settings(_env_file=None)).openapi()
QUESTION = "Where is the treasure?"


def holds_ids(schema: JSON) -> bool:
    choices = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    return schema.get("format") == "uuid" or any(map(holds_ids, choices))


def follow(schema: JSON) -> JSON:
    if "$ref" not in schema:
        return schema
    found: JSON = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def list_id_fields(schema: JSON) -> list[str]:
    fields = follow(schema).get("properties", {})
    return [name for name, field in fields.items() if holds_ids(field)]


def list_places() -> list[str]:
    return [*list_request_places(), *list_frame_places()]


def list_request_places() -> Iterator[str]:
    operations = [one for path in DOCUMENT["paths"].values() for one in path.values()]
    for operation in operations:
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "path" and holds_ids(parameter["schema"]):
                yield f"{operation['operationId']} {parameter['name']}"
        for content in operation.get("requestBody", {}).get("content", {}).values():
            choices = [content["schema"], *content["schema"].get("anyOf", [])]
            for field in {field for choice in choices for field in list_id_fields(choice)}:
                yield f"{operation['operationId']} {field}"


def list_frame_places() -> Iterator[str]:
    for command in follow({"$ref": "SocketCommand"})["oneOf"]:
        fields = follow(command)["properties"]
        for field in list_id_fields(command):
            yield f"frame {fields['type']['const']} {field}"
        for name, inner in fields.items():
            for field in list_id_fields(inner):
                yield f"frame {name}.{field}"


def test_every_place_for_an_id_has_a_row() -> None:
    assert sorted(list_places()) == sorted(PLACES)


class Ids(NamedTuple):
    document: str
    session: str
    message: str

    def fill(self, field: str) -> object:
        if "document" in field:
            return [self.document]
        return self.session if "session" in field.lower() else self.message


@pytest.fixture
async def theirs(user: User) -> Ids:
    document = await user.add_document("The treasure is buried on Skull Island.")
    answer = await user.ask(QUESTION)
    assert answer["sources"]
    return Ids(document["id"], answer["session_id"], answer["message_id"])


@pytest.fixture
async def own(stranger: User) -> Ids:
    answer = await stranger.ask("Mine?", use_documents=False)
    return Ids(str(uuid4()), answer["session_id"], answer["message_id"])


async def send(http: httpx.AsyncClient, root: str, place: str, ids: Ids, own: Ids) -> JSON | str:
    """Ask with the ids in one place; return the problem, or everything that was answered."""
    name, field = place.split(" ", 1)
    value = ids.fill(field)
    match name:
        case "chat_ask" | "chat_ask_stream" | "documents_search_documents":
            path = {"chat_ask": "/chat/query", "chat_ask_stream": "/chat/query/stream"}
            body = {"query": QUESTION, field: value}
            response = await http.post(path.get(name, "/documents/search"), json=body)
        case "chat_create_session" | "chat_update_session":
            method, at = ("PATCH", f"/{own.session}") if "update" in name else ("POST", "")
            chat = await http.request(method, f"/chat/sessions{at}", json={field: value})
            asked = {"query": QUESTION, "session_id": chat.json()["id"]}
            response = await http.post("/chat/query", json=asked)
        case "chat_list_messages" | "chat_export_session":
            path = {"chat_list_messages": "messages", "chat_export_session": "export"}
            params = {field: str(value)}
            response = await http.get(f"/chat/sessions/{own.session}/{path[name]}", params=params)
        case _:
            response = await send_as_openai(http, root, name, field, value)
    if response.is_success:
        return response.text
    problem: JSON = response.json()
    told: JSON = problem.get("error", problem)
    return {**told, "status": response.status_code}


async def send_as_openai(
    http: httpx.AsyncClient, root: str, name: str, field: str, value: object
) -> httpx.Response:
    words, path = {
        "openai_create_chat_completion": ("messages", "chat/completions"),
        "openai_create_completion": ("prompt", "completions"),
        "openai_create_response": ("input", "responses"),
    }[name]
    is_chat = words == "messages"
    body: JSON = {words: [{"role": "user", "content": QUESTION}] if is_chat else QUESTION}
    body["model"] = "offline-chat@docs"
    headers = {field: str(value)} if field.startswith("X-") else {}
    body |= {} if headers else {field: value}
    return await http.post(f"{root}/v1/{path}", json=body, headers=headers)


@pytest.mark.parametrize("place", [place for place in PLACES if not place.startswith("frame")])
async def test_an_id_of_another_reaches_nothing(
    server: LoopbackServer, stranger: User, theirs: Ids, own: Ids, place: str
) -> None:
    """What is theirs and what never was are told apart by nothing."""
    for ids in (theirs, Ids(*(str(uuid4()) for _ in range(3)))):
        said = await send(stranger.http, server.url, place, ids, own)
        check(said, PLACES[place])


def check(said: JSON | str, expected: tuple[int, str]) -> None:
    if isinstance(said, str):
        assert expected in (NOTHING, OWN), said
        assert "Skull" not in said
        assert '"document_id"' not in said
    else:
        assert (said["status"], said["code"]) == expected


async def test_no_frame_with_an_id_of_another_reaches_anything(
    server: LoopbackServer, stranger: User, theirs: Ids
) -> None:
    address = f"{server.api_url.replace('http', 'ws', 1)}/chat/ws"
    for ids in (theirs, Ids(*(str(uuid4()) for _ in range(3)))):
        async with connect(address, proxy=None, open_timeout=100) as socket:
            await socket.send(json.dumps({"type": "authenticate", "token": stranger.token}))
            assert json.loads(await socket.recv()) == {"type": "ready"}
            for place in (place for place in PLACES if place.startswith("frame")):
                kind, _, field = place.removeprefix("frame ").partition(" ")
                frame: JSON = {"type": kind, "ref": "r", field: ids.message}
                if not field:
                    name = kind.removeprefix("query.")
                    asked = {"query": QUESTION, name: ids.fill(name)}
                    frame = {"type": "ask", "ref": "r", "query": asked}
                await socket.send(json.dumps(frame))
                check(await read_outcome(socket), PLACES[place])


async def read_outcome(socket: ClientConnection) -> JSON | str:
    """Read up to a refusal or the end of an answer."""
    said = ""
    while True:
        text = str(await socket.recv())
        frame = json.loads(text)
        if frame["type"] == "refused":
            problem: JSON = frame["problem"]
            return problem
        said += text
        if frame["event"]["type"] in ("message.completed", "error"):
            return said
