from uuid import uuid4

import pytest

from tests.chat.reading import NO_DOCUMENTS
from tests.chat.scripted import Script
from tests.fixtures.users import JSON, User, read_events


async def ask(asker: User, query: str, **body: object) -> JSON:
    return await asker.ask(query, **NO_DOCUMENTS, **body)


async def get_message(asker: User, message_id: str) -> JSON:
    message: JSON = (await asker.http.get(f"/chat/messages/{message_id}")).json()
    return message


async def list_branch(asker: User, session_id: str, leaf: str, limit: int = 2) -> list[str]:
    address = f"/chat/sessions/{session_id}/messages"
    contents: list[str] = []
    query = {"leaf": leaf, "limit": str(limit)}
    while True:
        page = (await asker.http.get(address, params=query)).json()
        contents += [message["content"] for message in page["items"]]
        if page["next_cursor"] is None:
            return contents
        query["cursor"] = page["next_cursor"]


def list_said(request: JSON) -> list[str]:
    return [message["content"] for message in request["messages"][1:]]


async def test_an_edited_question_starts_a_branch_of_its_own(asker: User, script: Script) -> None:
    script.say("A1")
    first = await ask(asker, "Q1")
    session_id = first["session_id"]
    script.say("A2")
    second = await ask(asker, "Q2", session_id=session_id)
    script.say("A2b")
    edited = await ask(asker, "Q2b", parent_message_id=first["message_id"])
    assert edited["session_id"] == session_id
    assert list_said(script.requests[-1]) == ["Q1", "A1", "Q2b"]
    script.say("A3")
    third = await ask(asker, "Q3", session_id=session_id, parent_message_id=second["message_id"])
    assert list_said(script.requests[-1]) == ["Q1", "A1", "Q2", "A2", "Q3"]
    branches = [
        await list_branch(asker, session_id, answer["message_id"]) for answer in (edited, third)
    ]
    assert branches == [["Q1", "A1", "Q2b", "A2b"], ["Q1", "A1", "Q2", "A2", "Q3", "A3"]]


async def test_the_first_question_can_be_edited(asker: User, script: Script) -> None:
    first = await ask(asker, "Q1")
    edited = await ask(asker, "Q1b", session_id=first["session_id"], parent_message_id=None)
    assert list_said(script.requests[-1]) == ["Q1b"]
    question = (await get_message(asker, edited["message_id"]))["parent_id"]
    assert (await get_message(asker, question))["parent_id"] is None


async def test_a_chat_goes_on_from_its_newest_answer(asker: User, script: Script) -> None:
    script.say("A1")
    first = await ask(asker, "Q1")
    script.say("A1b")
    await asker.http.post(f"/chat/messages/{first['message_id']}/regenerate")
    await ask(asker, "Q2", session_id=first["session_id"])
    assert list_said(script.requests[-1]) == ["Q1", "A1b", "Q2"]


async def test_an_answer_is_given_again_as_it_was_asked(asker: User, script: Script) -> None:
    first = await ask(asker, "Q1", options={"seed": 7, "temperature": 0.5}, think=True)
    script.say("Another")
    address = f"/chat/messages/{first['message_id']}/regenerate"
    again = (await asker.http.post(address)).json()
    assert again["answer"] == "Another"
    before, after = script.requests
    assert before == after
    old, new = [await get_message(asker, one["message_id"]) for one in (first, again)]
    assert old["parent_id"] == new["parent_id"]
    assert old["content"] == "Yes."


async def test_an_answer_may_be_given_again_otherwise(asker: User, script: Script) -> None:
    first = await ask(asker, "Q1", options={"seed": 7})
    address = f"/chat/messages/{first['message_id']}/regenerate"
    again = await asker.http.post(address, json={"options": {"seed": 8}, "think": True})
    assert again.status_code == 200
    assert script.requests[-1]["options"]["seed"] == 8
    assert script.requests[-1]["think"] is True


async def test_another_answer_can_be_streamed(asker: User) -> None:
    first = await ask(asker, "Q1")
    streamed = await asker.http.post(
        f"/chat/messages/{first['message_id']}/regenerate", headers={"Accept": "text/event-stream"}
    )
    events = read_events(streamed.text)
    assert [event.type for event in events] == [
        "message.started",
        "answer.delta",
        "message.completed",
    ]


async def test_a_question_without_an_answer_can_be_answered(asker: User, script: Script) -> None:
    first = await ask(asker, "Q1")
    question = (await get_message(asker, first["message_id"]))["parent_id"]
    again = await asker.http.post(f"/chat/messages/{question}/regenerate")
    assert again.json()["answer"] == "Yes."
    assert list_said(script.requests[-1]) == ["Q1"]


async def test_the_history_before_the_model_is_bounded(asker: User, script: Script) -> None:
    first = await ask(asker, "Q0")
    for n in range(1, 12):
        await ask(asker, f"Q{n}", session_id=first["session_id"])
    said = list_said(script.requests[-1])
    assert len(said) == 20 + 1
    assert said[-3:] == ["Q10", "Yes.", "Q11"]


@pytest.mark.parametrize("whose", ["nobody", "another chat", "a question"])
async def test_a_branch_starts_from_an_answer_of_the_chat(asker: User, whose: str) -> None:
    first, second = await ask(asker, "Q1"), await ask(asker, "Q1")
    parents = {
        "nobody": (str(uuid4()), "message_not_found"),
        "another chat": (second["message_id"], "message_not_found"),
        "a question": (
            (await get_message(asker, first["message_id"]))["parent_id"],
            "not_an_answer",
        ),
    }
    parent, code = parents[whose]
    body = {"query": "Q2", "session_id": first["session_id"], "parent_message_id": parent}
    refused = await asker.http.post("/chat/query", json=body)
    assert refused.json()["code"] == code


async def test_a_branch_is_listed_within_its_chat(asker: User, user: User) -> None:
    first, second = await ask(asker, "Q1"), await ask(asker, "Q1")
    address = f"/chat/sessions/{first['session_id']}/messages"
    other = await asker.http.get(address, params={"leaf": second["message_id"]})
    assert (other.status_code, other.json()["code"]) == (404, "message_not_found")
    astray = await asker.http.get(
        address, params={"leaf": first["message_id"], "cursor": second["message_id"]}
    )
    assert (astray.status_code, astray.json()["code"]) == (422, "invalid_cursor")
    theirs = await ask(user, "Mine")
    for body in ({"parent_message_id": theirs["message_id"]},):
        refused = await asker.http.post("/chat/query", json={"query": "Q", **body})
        assert refused.json()["code"] == "message_not_found"
