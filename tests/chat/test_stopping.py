import asyncio

import httpx

from tests.chat.reading import resume, start, wait_for
from tests.chat.scripted import Script
from tests.fixtures.servers import wait_until
from tests.fixtures.users import User


async def test_a_stopped_answer_keeps_its_text(asker: User, script: Script) -> None:
    script.say("Half of", " it")
    script.gate.clear()
    message_id = (await start(asker))["message_id"]
    await wait_for(asker, message_id, content="Half of it")
    reading = asyncio.create_task(resume(asker.http, message_id, None))
    stopped = await asker.http.post(f"/chat/messages/{message_id}/stop")
    end = (await reading)[-1]
    assert stopped.status_code == 200
    assert (stopped.json()["status"], stopped.json()["content"]) == ("stopped", "Half of it")
    assert end.data["message"] == stopped.json()
    await wait_until(lambda: script.cancelled == 1)


async def test_any_process_can_stop_an_answer(
    asker: User, elsewhere: httpx.AsyncClient, script: Script
) -> None:
    script.gate.clear()
    started = await start(asker)
    await wait_for(asker, started["message_id"], content="Yes.")
    stopped = await elsewhere.post(f"/chat/messages/{started['message_id']}/stop")
    assert (stopped.json()["status"], stopped.json()["content"]) == ("stopped", "Yes.")
    events = await resume(elsewhere, started["message_id"], None)
    assert events[-1].data["message"]["status"] == "stopped"
    await wait_until(lambda: script.cancelled == 1)


async def test_stopping_what_is_over_changes_nothing(asker: User) -> None:
    started = await start(asker)
    before = await wait_for(asker, started["message_id"], status="completed")
    stopped = await asker.http.post(f"/chat/messages/{started['message_id']}/stop")
    assert stopped.json() == before


async def test_an_answer_can_be_stopped_before_its_first_word(asker: User, script: Script) -> None:
    script.pieces = []
    script.gate.clear()
    started = await start(asker)
    stopped = await asker.http.post(f"/chat/messages/{started['message_id']}/stop")
    assert (stopped.json()["status"], stopped.json()["content"]) == ("stopped", "")


async def test_stopping_twice_at_once_is_fine(asker: User, script: Script) -> None:
    script.gate.clear()
    started = await start(asker)
    address = f"/chat/messages/{started['message_id']}/stop"
    both = await asyncio.gather(asker.http.post(address), asker.http.post(address))
    assert {response.json()["status"] for response in both} == {"stopped"}


async def test_a_question_cannot_be_stopped(asker: User) -> None:
    started = await start(asker)
    refused = await asker.http.post(f"/chat/messages/{started['user_message_id']}/stop")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_an_answer")
