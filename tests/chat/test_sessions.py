import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from src.chat.records import mark_interrupted
from src.config import Settings
from src.database import create_engine, create_sessions
from tests.fixtures.users import JSON, User


async def test_chats_are_listed_from_the_last_used(user: User) -> None:
    titles = [f"Chat {n}" for n in range(4)]
    ids = [
        (await user.http.post("/chat/sessions", json={"title": title})).json()["id"]
        for title in titles
    ]
    await user.ask("Hello?", use_documents=False, session_id=ids[1])
    listed: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page: JSON = (await user.http.get("/chat/sessions", params=query)).json()
        listed += [session["title"] for session in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == ["Chat 1", "Chat 3", "Chat 2", "Chat 0"]


async def test_a_chat_can_be_renamed_and_deleted(user: User) -> None:
    answer = await user.ask("Hello?", use_documents=False)
    address = f"/chat/sessions/{answer['session_id']}"
    renamed = await user.http.patch(address, json={"title": " A name "})
    assert renamed.json()["title"] == "A name"
    assert (await user.http.patch(address, json={"title": ""})).status_code == 422
    assert (await user.http.delete(address)).status_code == 204
    assert (await user.http.get(address)).json()["code"] == "chat_session_not_found"
    gone = await user.http.get(f"/chat/messages/{answer['message_id']}")
    assert gone.json()["code"] == "message_not_found"


async def test_messages_are_paged_in_order(user: User) -> None:
    first = await user.ask("Question 0", use_documents=False)
    for n in range(1, 4):
        await user.ask(f"Question {n}", use_documents=False, session_id=first["session_id"])
    address = f"/chat/sessions/{first['session_id']}/messages"
    read: list[JSON] = []
    cursor: str | None = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page: JSON = (await user.http.get(address, params=query)).json()
        read += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    questions = [message["content"] for message in read if message["role"] == "user"]
    assert questions == [f"Question {n}" for n in range(4)]
    assert len({message["id"] for message in read}) == 8


async def test_long_titles_end_at_a_word(user: User) -> None:
    answer = await user.ask("word " * 50, use_documents=False)
    session = (await user.http.get(f"/chat/sessions/{answer['session_id']}")).json()
    assert session["title"].endswith("word…")
    assert len(session["title"]) <= 80


@pytest.mark.parametrize(("silent_for", "status"), [(11, "interrupted"), (1, "streaming")])
async def test_an_answer_that_nobody_generates_is_marked(
    user: User, settings: Settings, silent_for: int, status: str
) -> None:
    """In one transaction, whose `now()` stands still, and which no server with a sweep sees."""
    answer = await user.ask("Hello?", use_documents=False)
    parameters = {"seconds": silent_for, "id": UUID(answer["message_id"])}
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    async with engine.connect() as connection:
        await connection.execute(
            text(
                "UPDATE messages SET status = 'streaming',"
                " heartbeat_at = now() - make_interval(secs => :seconds) WHERE id = :id"
            ),
            parameters,
        )
        await mark_interrupted(create_sessions(connection), [])
        query = text("SELECT status, content FROM messages WHERE id = :id")
        row = (await connection.execute(query, parameters)).one()
        assert (row.status, row.content) == (status, answer["answer"])
        await connection.rollback()
    await engine.dispose()


async def test_many_questions_at_once_need_few_connections(user: User) -> None:
    """Thirty answers on a pool of ten: none of them holds a connection while a model generates."""
    answers = await asyncio.gather(
        *(user.ask(f"Question {n}", use_documents=False) for n in range(30))
    )
    assert len({answer["message_id"] for answer in answers}) == 30
