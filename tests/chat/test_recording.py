"""Storing how answers end when one of them cannot be stored, and whom the sweep leaves alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from src.chat.engine import AnswerEngine
from src.chat.generation import Question
from src.chat.recording import AnswerRecorder
from src.chat.records import AnswerEnd, AnswerText, mark_interrupted
from src.chat.schemas import MessageRead, QueryCreate
from src.config import Settings
from src.database import (
    DatabaseUnavailableError,
    Sessions,
    UnstorableValueError,
    create_engine,
    create_sessions,
)
from src.llm.resolved import ChatModel
from tests.fixtures.servers import wait_until
from tests.fixtures.users import User

PATIENCE_SECONDS = 60


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    yield engine
    await engine.dispose()


async def make_question(user: User) -> Question:
    """A question that is stored, with an answer that may be stored once more."""
    answer = await user.ask("Well?", use_documents=False)
    message = (await user.http.get(f"/chat/messages/{answer['message_id']}")).json()
    return Question(
        user_id=UUID(user.id),
        session_id=UUID(answer["session_id"]),
        user_message_id=UUID(message["parent_id"]),
        message_id=UUID(answer["message_id"]),
        request=QueryCreate(query="Well?"),
        system_prompt=None,
        model=ChatModel("a model", "digest", None, num_ctx=4096, num_predict=512),
        history=[],
        request_id=None,
    )


def make_end(content: str) -> AnswerEnd:
    return AnswerEnd("completed", AnswerText(content, "", [0, len(content)]), None, None, None)


class Growing:
    """An answer for the recorder, which says nothing before its end."""

    text = AnswerText("", "", [])
    sources = None

    def __init__(self, question: Question) -> None:
        self.question = question

    def stop(self) -> None: ...

    def drop(self) -> None: ...


async def finish_all(
    sessions: Sessions, ends: list[tuple[Question, AnswerEnd]]
) -> list[MessageRead | BaseException]:
    """Let answers end in one moment, and return what each of their readers is told."""
    recorder = AnswerRecorder(sessions, interval_seconds=3600)
    for question, _ in ends:
        recorder.add(Growing(question))
    finishing = [asyncio.create_task(recorder.finish(*end)) for end in ends]
    await asyncio.sleep(0)
    running = asyncio.create_task(recorder.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await asyncio.gather(*finishing, return_exceptions=True)
    finally:
        running.cancel()


async def test_an_end_that_cannot_be_stored_takes_no_other_with_it(
    engine: AsyncEngine, user: User
) -> None:
    good, bad = await make_question(user), await make_question(user)
    told = await finish_all(
        create_sessions(engine),
        [(bad, make_end("no\0database takes it")), (good, make_end("Good."))],
    )
    assert isinstance(told[0], UnstorableValueError)
    assert isinstance(told[1], MessageRead)
    stored = (await user.http.get(f"/chat/messages/{good.message_id}")).json()
    assert stored["content"] == told[1].content == "Good."


async def test_an_end_waits_for_a_database_that_is_away(engine: AsyncEngine, user: User) -> None:
    outages = 2

    class Interrupted(async_sessionmaker):  # type: ignore[type-arg]  # of what it is a maker
        def begin(self) -> object:  # type: ignore[override]
            nonlocal outages
            outages -= 1
            if outages >= 0:
                raise DatabaseUnavailableError
            return super().begin()

    question = await make_question(user)
    sessions = Interrupted(engine, expire_on_commit=False)
    (told,) = await finish_all(sessions, [(question, make_end("Late."))])
    assert outages < 0
    stored = (await user.http.get(f"/chat/messages/{question.message_id}")).json()
    assert isinstance(told, MessageRead)
    assert stored["content"] == told.content == "Late."


async def test_the_sweep_leaves_alone_what_this_process_is_at(
    engine: AsyncEngine, user: User
) -> None:
    """In a transaction of its own: the sweeps of other servers must not see the silent answer."""
    message_id = (await make_question(user)).message_id
    parameters = {"id": message_id}
    async with engine.connect() as connection:
        await connection.execute(
            text("UPDATE messages SET status = 'streaming',"
                 " heartbeat_at = now() - interval '1 hour' WHERE id = :id"), parameters
        )  # fmt: skip
        sessions = create_sessions(connection)
        for alive, expected in (({message_id}, "streaming"), (set[UUID](), "interrupted")):
            await mark_interrupted(sessions, alive)
            status = await connection.scalar(
                text("SELECT status FROM messages WHERE id = :id"), parameters
            )
            assert status == expected
        await connection.rollback()


async def test_the_sweep_goes_on_after_a_fault_of_its_own(
    engine: AsyncEngine, settings: Settings
) -> None:
    attempts = 0

    class Broken(async_sessionmaker):  # type: ignore[type-arg]  # of what it is a maker
        def begin(self) -> object:  # type: ignore[override]
            nonlocal attempts
            attempts += 1
            raise ValueError

    unused: Any = None
    answers = AnswerEngine(Broken(engine), unused, unused, settings.chat)
    sweeping = asyncio.create_task(answers.sweep(pause_seconds=0.01))
    await wait_until(lambda: attempts > 1 or sweeping.done())
    sweeping.cancel()
    await answers.close()
    assert attempts > 1
