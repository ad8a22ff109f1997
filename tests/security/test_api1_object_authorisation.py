"""OWASP API1:2023. Ids of others in a path are tested in `tests/contracts/test_callers.py`.

Here they are in bodies, queries and headers, where they are just as good as not there.
"""

from uuid import uuid4

import pytest

from tests.fixtures.users import JSON, User


@pytest.fixture
async def theirs(user: User) -> JSON:
    """What one user has; `stranger` asks for it."""
    document = await user.add_document("The treasure is buried on Skull Island.", tags="secret")
    answer = await user.ask("Where is the treasure?")
    listed = (await user.http.get(f"/chat/sessions/{answer['session_id']}/messages")).json()
    return {
        "document": document["id"],
        "session": answer["session_id"],
        "question": listed["items"][0]["id"],
        "answer": answer["message_id"],
        "chunk": answer["sources"][0]["chunk_id"],
    }


async def test_ids_in_a_question_reach_nothing(stranger: User, theirs: JSON) -> None:
    own = await stranger.ask("Mine?", use_documents=False)
    for session, parent, code in (
        (own["session_id"], theirs["answer"], "message_not_found"),
        (theirs["session"], own["message_id"], "chat_session_not_found"),
    ):
        body = {"query": "Where?", "session_id": session, "parent_message_id": parent}
        response = await stranger.http.post("/chat/query", json=body)
        assert (response.status_code, response.json()["code"]) == (404, code), body
    answer = await stranger.ask("Where is the treasure?", document_ids=[theirs["document"]])
    assert answer["sources"] == []
    tagged = await stranger.ask("Where is the treasure?", tags=["secret"])
    assert tagged["sources"] == []


async def test_ids_in_a_chat_of_ones_own_open_nothing(stranger: User, theirs: JSON) -> None:
    chat = {"title": "Mine", "document_ids": [theirs["document"]]}
    created = await stranger.http.post("/chat/sessions", json=chat)
    if created.status_code == 201:
        session_id = created.json()["id"]
        answer = await stranger.ask("Where is the treasure?", session_id=session_id)
        assert answer["sources"] == []
        assert "Skull" not in answer["answer"]


async def test_a_stranger_cannot_tell_theirs_from_nothing(stranger: User, theirs: JSON) -> None:
    for path in ("/documents/{}", "/chat/messages/{}", "/chat/sessions/{}/messages"):
        for own in theirs.values():
            real = await stranger.http.get(path.format(own))
            made_up = await stranger.http.get(path.format(uuid4()))
            assert real.status_code == made_up.status_code == 404
            assert real.json()["detail"] == made_up.json()["detail"]


async def test_cursors_of_another_page_through_ones_own(stranger: User, user: User) -> None:
    for _ in range(3):
        await user.http.post("/chat/sessions", json={"title": "Theirs"})
    page = (await user.http.get("/chat/sessions?limit=1")).json()
    response = await stranger.http.get(f"/chat/sessions?cursor={page['next_cursor']}")
    assert response.json()["items"] == []


async def test_a_key_for_idempotence_belongs_to_its_user(stranger: User, user: User) -> None:
    headers = {"Idempotency-Key": "the same for both"}
    body = {"query": "Whose answer is this?", "use_documents": False}
    first = await user.http.post("/chat/query", json=body, headers=headers)
    second = await stranger.http.post("/chat/query", json=body, headers=headers)
    assert first.json()["message_id"] != second.json()["message_id"]


async def test_a_chat_does_not_go_on_from_an_answer_of_another(user: User) -> None:
    here = await user.ask("Here?", use_documents=False)
    there = await user.ask("There?", use_documents=False)
    body = {"session_id": here["session_id"], "parent_message_id": there["message_id"]}
    response = await user.http.post("/chat/query", json={"query": "Where?", **body})
    assert (response.status_code, response.json()["code"]) == (404, "message_not_found")
