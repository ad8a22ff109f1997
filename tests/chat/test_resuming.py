import asyncio

import httpx
import pytest
from sqlalchemy import text

from src.chat.events import StreamError
from src.chat.following import FollowedAnswer
from src.chat.live import ENDED
from src.config import Settings
from src.database import create_engine, create_sessions, new_id
from tests.chat.reading import (
    ask_stream,
    follow,
    read_some,
    resume,
    skip_to,
    start,
    wait_for,
)
from tests.chat.scripted import Script
from tests.fixtures.users import Event, User, join_text

PING = ": ping\n\n"


def check_whole(events: list[Event]) -> None:
    """No gap, no repeat, and what was streamed is what is stored."""
    message = events[-1].data["message"]
    assert join_text(events) == message["content"]
    assert join_text(events, "thinking.delta") == message["thinking"]
    cursors = [int(event.id) for event in events]
    assert cursors == sorted(set(cursors))
    kinds = [event.type for event in events]
    assert kinds[0] == "message.started"
    assert kinds.count("message.started") == 1


async def test_a_stream_goes_on_where_it_broke_off(asker: User, script: Script) -> None:
    script.say("One", " two", " three", " four", thinking=("Hm", "mm."))
    script.gate.clear()
    async with ask_stream(asker) as response:
        first = await read_some(response, 2)  # Of thinking; the answer is an event of its own.
    message_id = first[0].data["message_id"]
    second = await resume(asker.http, message_id, first[-1].id, 1)
    script.gate.set()
    rest = await resume(asker.http, message_id, (first + second)[-1].id)
    check_whole(first + second + rest)
    assert rest[-1].data["message"]["content"] == "One two three four"


async def test_any_process_can_go_on_with_a_stream(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    script.say("One", " two", " three", thinking=("Hm",))
    script.gate.clear()
    async with ask_stream(asker) as response:
        first = await read_some(response, 2)
    message_id = first[0].data["message_id"]
    second = await resume(elsewhere, message_id, first[-1].id, 1)
    following = asyncio.create_task(resume(elsewhere, message_id, second[-1].id))
    await asyncio.sleep(0.05)
    assert not following.done()
    script.gate.set()
    check_whole(first + second + await following)


async def test_every_process_tells_a_finished_answer_in_the_same_bytes(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    script.pieces = [("Hm", ""), ("", "One "), ("Oh", ""), ("", "two")]
    async with ask_stream(asker) as response:
        events = await read_some(response)
    message_id = events[0].data["message_id"]
    here, there = [
        await http.get(f"/chat/messages/{message_id}/stream") for http in (asker.http, elsewhere)
    ]
    assert here.text.replace(PING, "") == there.text.replace(PING, "")
    replayed = await resume(elsewhere, message_id, None)
    check_whole(replayed)
    assert replayed[-1] == events[-1]
    assert [event.type for event in replayed[1:-1]] == ["thinking.delta", "answer.delta"] * 2


async def test_sources_are_told_again(user: User) -> None:
    document = await user.add_document("Oxygen was discovered by Scheele in 1773.")
    events = await user.stream("Who discovered oxygen?")
    replayed = await resume(user.http, events[0].data["message_id"], None)
    assert replayed[:2] == events[:2]
    assert replayed[-1] == events[-1]
    assert replayed[1].data["sources"][0]["document_id"] == document["id"]


async def test_who_has_seen_the_end_is_told_to_stop(asker: User) -> None:
    async with ask_stream(asker) as response:
        events = await read_some(response)
    assert events[-1].id == str(ENDED)
    message_id = events[0].data["message_id"]
    again = await asker.http.get(
        f"/chat/messages/{message_id}/stream", headers={"Last-Event-ID": events[-1].id}
    )
    assert again.status_code == 204


@pytest.mark.parametrize("last", ["", "x", "-2", str(2**53), "1e3"])
async def test_a_cursor_that_nobody_gave_is_refused(asker: User, last: str) -> None:
    started = await start(asker)
    answer = await asker.http.get(
        f"/chat/messages/{started['message_id']}/stream", headers={"Last-Event-ID": last}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_question_has_no_stream(asker: User) -> None:
    started = await start(asker)
    answer = await asker.http.get(f"/chat/messages/{started['user_message_id']}/stream")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_an_answer")


async def test_a_failure_is_told_again(user: User) -> None:
    events = await user.stream("Hi", model="fault-error-mid", use_documents=False)
    replayed = await resume(user.http, events[0].data["message_id"], None)
    assert replayed[-1] == events[-1]
    assert replayed[-1].type == "error"
    assert join_text(replayed) == "Half"


async def test_a_follower_learns_that_the_chat_was_deleted(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    script.gate.clear()
    started = await start(asker)
    address = f"/chat/messages/{started['message_id']}/stream"
    async with elsewhere.stream("GET", address) as response:
        events = follow(response)
        await skip_to(events, "answer.delta")
        await asker.http.delete(f"/chat/sessions/{started['session_id']}")
        end = await skip_to(events, "error")
    assert end.data["problem"]["code"] == "message_not_found"


async def test_a_follower_who_comes_too_late_gets_an_end(settings: Settings) -> None:
    """The chat was deleted after the reader was let in."""
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    answer = FollowedAnswer(create_sessions(engine), new_id(), interval_seconds=0.01)
    (last,) = [positioned.event async for positioned in answer.follow()]
    await engine.dispose()
    assert isinstance(last, StreamError)
    assert last.problem.code == "message_not_found"


async def test_readers_of_a_crashed_answer_get_an_end(
    asker: User, elsewhere: httpx.AsyncClient, settings: Settings
) -> None:
    """A reader may even have seen more than was stored."""
    started = await start(asker)
    message_id = started["message_id"]
    await wait_for(asker, message_id, status="completed")
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    async with create_sessions(engine).begin() as session:
        await session.execute(
            text("UPDATE messages SET status = 'interrupted', content = 'Ye', runs = '{0,2}'"
                 " WHERE id = CAST(:id AS uuid)"),
            {"id": message_id},
        )  # fmt: skip
    await engine.dispose()
    events = await resume(elsewhere, message_id, "500")
    assert [event.type for event in events] == ["message.completed"]
    assert events[0].data["message"]["status"] == "interrupted"


async def test_quiet_streams_show_signs_of_life(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    script.gate.clear()
    started = await start(asker)
    for http in (asker.http, elsewhere):
        async with http.stream("GET", f"/chat/messages/{started['message_id']}/stream") as response:
            async for part in response.aiter_text():
                if PING in part:
                    break
