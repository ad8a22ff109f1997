import json

import pytest

from tests.chat.reading import NO_DOCUMENTS
from tests.chat.scripted import Script
from tests.fixtures.users import JSON, User


async def create(user: User, **settings: object) -> JSON:
    response = await user.http.post("/chat/sessions", json=settings)
    assert response.status_code == 201, response.text
    chat: JSON = response.json()
    return chat


async def test_a_chat_settles_how_it_is_answered(asker: User, script: Script) -> None:
    chat = await create(asker, system_prompt="Talk like a pirate.", options={"seed": 3})
    await asker.ask("Q", **NO_DOCUMENTS, session_id=chat["id"])
    request = script.requests[-1]
    assert request["messages"][0]["content"].endswith("Talk like a pirate.")
    assert request["options"]["seed"] == 3
    await asker.ask("Q", **NO_DOCUMENTS, session_id=chat["id"], options={"seed": 4})
    assert script.requests[-1]["options"]["seed"] == 4


async def test_a_chat_may_have_a_model_of_its_own(user: User) -> None:
    chat = await create(user, model="fault-late-text")
    answer = await user.ask("Q", **NO_DOCUMENTS, session_id=chat["id"])
    assert answer["answer"] == "Almost all"


async def test_a_chat_may_search_a_few_documents(user: User) -> None:
    first = await user.add_document("The cat is called Felix.", "a.txt", tags="pets")
    second = await user.add_document("The dog is called Bello.", "b.txt", tags="dogs")
    chat = await create(user, document_ids=[first["id"]])
    other = await create(user, tags=["dogs"])
    for session_id, expected, scope in (
        (chat["id"], first["id"], {}),
        (other["id"], second["id"], {}),
        (chat["id"], second["id"], {"tags": ["dogs"]}),
    ):
        answer = await user.ask("What is the pet called?", session_id=session_id, **scope)
        assert {source["document_id"] for source in answer["sources"]} == {expected}


async def test_settings_can_be_changed_one_by_one(asker: User) -> None:
    chat = await create(asker, title="A", model="scripted", tags=["x"])
    address = f"/chat/sessions/{chat['id']}"
    changed = (await asker.http.patch(address, json={"model": None, "options": {"seed": 1}})).json()
    assert (changed["title"], changed["model"], changed["tags"]) == ("A", None, ["x"])
    assert changed["options"]["seed"] == 1
    assert (await asker.http.get(address)).json() == changed


@pytest.mark.parametrize(
    "body",
    [{}, {"title": None}, {"is_archived": None}, {"tags": []}, {"system_prompt": " "}, {"a": 1}],
)
async def test_changes_that_make_no_sense_are_refused(asker: User, body: JSON) -> None:
    chat = await create(asker)
    response = await asker.http.patch(f"/chat/sessions/{chat['id']}", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "validation_failed")


async def test_archived_chats_are_listed_apart(asker: User) -> None:
    kept, put_away = await create(asker, title="Kept"), await create(asker, title="Away")
    address = f"/chat/sessions/{put_away['id']}"
    archived = await asker.http.patch(address, json={"is_archived": True})
    assert archived.json()["archived_at"] is not None

    async def list_ids(**query: str) -> list[str]:
        page = (await asker.http.get("/chat/sessions", params=query)).json()
        return [item["id"] for item in page["items"]]

    assert await list_ids() == [kept["id"]]
    assert await list_ids(is_archived="true") == [put_away["id"]]
    await asker.http.patch(address, json={"is_archived": False})
    assert len(await list_ids()) == 2


async def test_feedback_can_be_given_changed_and_taken_back(asker: User) -> None:
    answer = await asker.ask("Q", **NO_DOCUMENTS)
    address = f"/chat/messages/{answer['message_id']}"
    for rating, comment in (("up", None), ("down", "Wrong.")):
        body = {"rating": rating, "comment": comment}
        given = await asker.http.put(f"{address}/feedback", json=body)
        assert given.status_code == 200
        shown = (await asker.http.get(address)).json()["feedback"]
        assert shown == given.json()
        assert (shown["rating"], shown["comment"]) == (rating, comment)
    for _ in range(2):
        assert (await asker.http.delete(f"{address}/feedback")).status_code == 204
    message = (await asker.http.get(address)).json()
    assert message["feedback"] is None
    refused = await asker.http.put(
        f"/chat/messages/{message['parent_id']}/feedback", json={"rating": "up"}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "not_an_answer")


async def test_a_chat_can_be_exported(user: User) -> None:
    await user.add_document("Oxygen was discovered by Scheele in 1773.", "[odd] *name*.txt")
    answer = await user.ask("Who discovered oxygen?")
    session_id = answer["session_id"]
    for n in range(60):
        await user.ask(f"Question {n}", **NO_DOCUMENTS, session_id=session_id)
    address = f"/chat/sessions/{session_id}"
    exported = await user.http.get(f"{address}/export")
    assert exported.headers["content-type"] == "application/json"
    assert "attachment" in exported.headers["content-disposition"]
    document = exported.json()
    assert document["session"]["id"] == session_id
    assert len(document["messages"]) == 2 * 61
    listed = (await user.http.get(f"{address}/messages", params={"limit": "2"})).json()["items"]
    assert document["messages"][:2] == listed
    markdown = await user.http.get(f"{address}/export", params={"format": "markdown"})
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert markdown.text.startswith("# Who discovered oxygen?\n")
    assert "## Question\n\nQuestion 59\n" in markdown.text
    assert r"- [1] \[odd\] \*name\*" in markdown.text


async def test_one_branch_can_be_exported(asker: User, script: Script) -> None:
    first = await asker.ask("Q", **NO_DOCUMENTS)
    script.say("Other")
    other = await asker.http.post(f"/chat/messages/{first['message_id']}/regenerate")
    address = f"/chat/sessions/{first['session_id']}/export"
    exported = await asker.http.get(address, params={"leaf": other.json()["message_id"]})
    messages = json.loads(exported.text)["messages"]
    assert [message["content"] for message in messages] == ["Q", "Other"]
    unknown = await asker.http.get(address, params={"leaf": first["session_id"]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "message_not_found")
