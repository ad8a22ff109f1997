import asyncio
from uuid import uuid4

import httpx
import pytest

from src.config import Settings
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, User, bearer, join_text, read_events, sign_up

OXYGEN = """# Oxygen

Oxygen was discovered by Carl Wilhelm Scheele in Uppsala in 1773.

# Rhine

The Rhine is a river that begins in the Swiss Alps.
"""


async def get_messages(user: User, session_id: str) -> list[JSON]:
    response = await user.http.get(f"/chat/sessions/{session_id}/messages")
    items: list[JSON] = response.json()["items"]
    return items


async def wait_for_end(user: User, message_id: str) -> JSON:
    async with asyncio.timeout(60):
        while True:
            message: JSON = (await user.http.get(f"/chat/messages/{message_id}")).json()
            if message["status"] != "streaming":
                return message
            await asyncio.sleep(0.02)


async def test_a_streamed_answer_cites_its_source(user: User) -> None:
    document = await user.add_document(OXYGEN)
    events = await user.stream("Who discovered oxygen?")
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message.started", "sources"]
    assert set(kinds[2:-1]) == {"answer.delta"}
    assert kinds[-1] == "message.completed"
    assert all(event.data["type"] == event.type for event in events)
    cursors = [int(event.id) for event in events]
    assert cursors == sorted(set(cursors))
    message = events[-1].data["message"]
    assert "Carl Wilhelm Scheele" in message["content"]
    assert join_text(events) == message["content"]
    cited = [source for source in message["sources"] if source["is_cited"]]
    assert cited[0]["document_id"] == document["id"]
    assert f"[{cited[0]['number']}]" in message["content"]
    assert message["usage"]["completion_tokens"] > 0


async def test_a_source_leads_to_its_place_in_the_document(user: User) -> None:
    document = await user.add_document(OXYGEN)
    source = (await user.ask("Where does the Rhine begin?"))["sources"][0]
    chunks = (await user.http.get(f"/documents/{document['id']}/chunks")).json()["items"]
    chunk = next(chunk for chunk in chunks if chunk["id"] == source["chunk_id"])
    assert (chunk["start"], chunk["end"], chunk["text"]) == (
        source["start"],
        source["end"],
        source["text"],
    )


async def test_the_stream_tells_proxies_not_to_buffer(user: User) -> None:
    async with user.http.stream("POST", "/chat/query/stream", json={"query": "Hi"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert "no-cache" in response.headers["cache-control"]
        await response.aread()


async def test_question_and_answer_are_stored(user: User) -> None:
    await user.add_document(OXYGEN)
    answer = await user.ask("Who discovered oxygen?")
    question, stored = await get_messages(user, answer["session_id"])
    assert (question["role"], question["content"]) == ("user", "Who discovered oxygen?")
    assert (stored["role"], stored["status"]) == ("assistant", "completed")
    assert stored["parent_id"] == question["id"]
    assert stored["id"] == answer["message_id"]
    assert stored["content"] == answer["answer"]
    assert stored["sources"] == answer["sources"]
    assert (await user.http.get(f"/chat/messages/{stored['id']}")).json() == stored


async def test_a_chat_goes_on_and_keeps_its_title(user: User) -> None:
    first = await user.ask("What is\n a lighthouse?", use_documents=False)
    second = await user.ask("And where?", use_documents=False, session_id=first["session_id"])
    assert second["session_id"] == first["session_id"]
    messages = await get_messages(user, first["session_id"])
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2
    assert messages[2]["parent_id"] == messages[1]["id"]
    session = (await user.http.get(f"/chat/sessions/{first['session_id']}")).json()
    assert session["title"] == "What is a lighthouse?"
    assert second["usage"]["prompt_tokens"] > first["usage"]["prompt_tokens"]


async def test_sources_survive_their_document(user: User) -> None:
    document = await user.add_document(OXYGEN)
    answer = await user.ask("Who discovered oxygen?")
    await user.http.delete(f"/documents/{document['id']}")
    _, stored = await get_messages(user, answer["session_id"])
    assert all(source["is_gone"] for source in stored["sources"])
    assert [source | {"is_gone": False} for source in stored["sources"]] == answer["sources"]


async def test_when_nothing_is_known_the_answer_cites_nothing(user: User) -> None:
    answer = await user.ask("What is the airspeed of a swallow?")
    assert answer["sources"] == []
    assert "[1]" not in answer["answer"]


async def test_only_the_named_documents_are_asked(user: User) -> None:
    first = await user.add_document("The cat is called Felix.", "a.txt", tags="pets")
    second = await user.add_document("The dog is called Bello.", "b.txt", tags="pets,dogs")
    everything = await user.ask("What is the pet called?")
    assert {s["document_id"] for s in everything["sources"]} == {first["id"], second["id"]}
    one = await user.ask("What is the pet called?", document_ids=[second["id"]])
    assert {s["document_id"] for s in one["sources"]} == {second["id"]}
    tagged = await user.ask("What is the pet called?", tags=["dogs"])
    assert {s["document_id"] for s in tagged["sources"]} == {second["id"]}


async def test_an_asker_that_leaves_loses_nothing(user: User) -> None:
    await user.add_document(OXYGEN)
    request = {"query": "Who discovered oxygen?"}
    async with user.http.stream("POST", "/chat/query/stream", json=request) as response:
        lines = response.aiter_lines()
        while not (line := await anext(lines)).startswith("data: "):
            pass
    started = read_events(f"event: message.started\n{line}\n\n")[0].data
    message = await wait_for_end(user, started["message_id"])
    assert message["status"] == "completed"
    assert "Carl Wilhelm Scheele" in message["content"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": ""}, 422, "validation_failed"),
        ({"query": "  \n "}, 422, "validation_failed"),
        ({"query": "x" * 32_001}, 422, "validation_failed"),
        ({"query": "nul \u0000"}, 422, "unstorable_value"),
        ({"query": "Hi", "colour": "red"}, 422, "validation_failed"),
        ({"query": "Hi", "session_id": str(uuid4())}, 404, "chat_session_not_found"),
        ({"query": "Hi", "session_id": "x"}, 422, "validation_failed"),
        ({"query": "Hi", "model": "no-such-model"}, 404, "model_not_found"),
        ({"query": "Hi", "model": "../etc/passwd"}, 404, "model_not_found"),
        ({"query": "word " * 6000}, 422, "prompt_too_long"),
        ({"query": "Hi", "document_ids": []}, 422, "validation_failed"),
    ],
)
@pytest.mark.parametrize("path", ["/chat/query", "/chat/query/stream"])
async def test_a_question_that_cannot_be_asked_stores_nothing(
    user: User, path: str, body: JSON, status: int, code: str
) -> None:
    response = await user.http.post(path, json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert (await user.http.get("/chat/sessions")).json()["items"] == []


@pytest.mark.parametrize(
    ("model", "code", "kept"),
    [
        ("fault-busy", "llm_unavailable", ""),
        ("fault-error-mid", None, "Half"),
        ("fault-eof", None, "Half"),
        ("fault-garbage", None, ""),
        ("fault-html-502", None, ""),
        ("fault-cut", None, None),
    ],
)
async def test_a_failing_model_is_one_error_and_keeps_what_there_was(
    user: User, model: str, code: str | None, kept: str | None
) -> None:
    events = await user.stream("Hi", model=model, use_documents=False)
    assert [event.type for event in events if event.type in ("error", "message.completed")] == [
        "error"
    ]
    problem = events[-1].data["problem"]
    message = (await user.http.get(f"/chat/messages/{events[0].data['message_id']}")).json()
    assert message["status"] == "failed"
    assert message["error"] == {"code": problem["code"], "detail": problem["detail"]}
    assert message["content"] == join_text(events)
    if kept is not None:
        assert message["content"] == kept
    if code is not None:
        assert problem["code"] == code
    response = await user.http.post(
        "/chat/query", json={"query": "Hi", "model": model, "use_documents": False}
    )
    assert response.status_code == problem["status"]
    assert response.json()["code"] == problem["code"]
    assert "127.0.0.1" not in response.text
    assert "blobs" not in response.text


async def test_thinking_is_kept_apart(user: User) -> None:
    events = await user.stream("Hi", model="fault-thinking", use_documents=False)
    assert join_text(events, "thinking.delta") == "Hm."
    assert join_text(events) == "Yes."
    message = events[-1].data["message"]
    assert (message["thinking"], message["content"]) == ("Hm.", "Yes.")


async def test_tricky_characters_arrive_whole(user: User) -> None:
    events = await user.stream("Hi", model="fault-bytewise", use_documents=False)
    assert join_text(events) == "Zoë \u0085 paid\u2028 5 € \U0001f600"


async def test_a_chat_deleted_meanwhile_ends_its_answer(
    user: User, offline_models: LoopbackServer
) -> None:
    request = {"query": "Hi", "model": "fault-stall-mid", "use_documents": False}
    async with user.http.stream("POST", "/chat/query/stream", json=request) as response:
        lines = response.aiter_lines()
        while not (line := await anext(lines)).startswith("data: "):
            pass
        session_id = read_events(f"event: x\n{line}\n\n")[0].data["session_id"]
        deleted = await user.http.delete(f"/chat/sessions/{session_id}")
        assert deleted.status_code == 204
        rest = [line async for line in lines if line.startswith("data: ")]
    assert '"code":"message_not_found"' in rest[-1]
    await offline_models.wait_until_idle()


async def test_a_stopping_server_keeps_what_it_has(
    settings: Settings, offline_models: LoopbackServer
) -> None:
    """The partial answer is stored as interrupted, and the reader is told."""
    documents = settings.documents.model_copy(update={"worker_concurrency": 0})
    changed = settings.model_copy(
        update={"documents": documents, "data_dir": settings.data_dir / "stopping"}
    )
    async with run_server(create_app(changed)) as server, sign_up(server.api_url) as user:
        request = {"query": "Hi", "model": "fault-stall-mid", "use_documents": False}
        stream = user.http.stream("POST", "/chat/query/stream", json=request)
        async with stream as response:
            received = ""
            async for text in response.aiter_text():
                received += text
                if "Half" in received:
                    break
        server.should_exit = True
    started = read_events(received)[0].data
    async with (
        run_server(create_app(changed)) as server,
        httpx.AsyncClient(
            base_url=server.api_url, headers=bearer(user.token), trust_env=False, timeout=100
        ) as http,
    ):
        message = (await http.get(f"/chat/messages/{started['message_id']}")).json()
    assert (message["status"], message["content"]) == ("interrupted", "Half")
    await offline_models.wait_until_idle()
