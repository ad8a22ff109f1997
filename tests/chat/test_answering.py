import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.chat.follow_up import join_questions
from src.chat.gauge import TokenGauge
from src.config import Settings
from src.llm.schemas import ChatMessage
from src.main import create_app
from tests.chat.conftest import rehouse
from tests.chat.reading import NO_DOCUMENTS
from tests.chat.scripted import Script
from tests.fixtures.servers import run_server
from tests.fixtures.users import JSON, User, sign_up

OVERFLOW = {"error": "the prompt is longer than the context length"}


async def test_a_follow_up_question_is_searched_with_the_one_before(user: User) -> None:
    await user.add_document("The Eiffel Tower was finished in 1889 by Gustave Eiffel.", "a.txt")
    await user.add_document("The soup was finished by the cook in the evening.", "b.txt")
    first = await user.ask("Who built the Eiffel Tower?")
    second = await user.ask("And when was it finished?", session_id=first["session_id"], top_k=1)
    assert "Eiffel" in second["sources"][0]["text"]


def test_only_the_question_before_is_joined() -> None:
    history = [
        ChatMessage("user", "Q1"),
        ChatMessage("assistant", "A1"),
        ChatMessage("user", "x" * 900),
        ChatMessage("assistant", "A2"),
    ]
    assert join_questions("Q3", history) == f"{'x' * 500}\nQ3"


@pytest.fixture
async def rewriting_asker(scripted_settings: Settings) -> AsyncIterator[User]:
    chat = scripted_settings.chat.model_copy(update={"follow_up_search": "model"})
    settings = rehouse(scripted_settings.model_copy(update={"chat": chat}), "rewriting")
    async with run_server(create_app(settings)) as server, sign_up(server.api_url) as user:
        yield user


async def test_the_model_may_rewrite_a_follow_up_question(
    rewriting_asker: User, script: Script
) -> None:
    first = await rewriting_asker.ask("Who built the Eiffel Tower?")
    await rewriting_asker.ask("And when?", session_id=first["session_id"])
    _, rewriting, asking = script.requests
    assert "user: Who built the Eiffel Tower?" in rewriting["messages"][0]["content"]
    assert rewriting["messages"][0]["content"].endswith("user: And when?")
    assert asking["messages"][-1]["content"].endswith("Question: And when?")
    script.refusals = [{"error": "no"}]
    third = await rewriting_asker.ask("And where?", session_id=first["session_id"])
    assert third["answer"] == "Yes."


async def test_a_prompt_that_does_not_fit_is_made_smaller(asker: User, script: Script) -> None:
    first = await asker.ask("word " * 2000, **NO_DOCUMENTS)
    script.refusals = [OVERFLOW]
    answer = await asker.ask("word " * 1500, **NO_DOCUMENTS, session_id=first["session_id"])
    before, after = [len(request["messages"]) for request in script.requests[1:]]
    assert after < before
    assert answer["usage"]["omitted_messages"] > 0


async def test_a_prompt_that_never_fits_is_one_error(asker: User, script: Script) -> None:
    script.refusals = [OVERFLOW] * 9
    response = await asker.http.post("/chat/query", json={"query": "Q", **NO_DOCUMENTS})
    assert (response.status_code, response.json()["code"]) == (400, "context_length_exceeded")
    assert len(script.requests) == 3


def test_a_gauge_learns_from_what_a_model_reports() -> None:
    gauge = TokenGauge()
    messages = [ChatMessage("user", "x" * 4000)]
    careful = gauge.get("a")
    for _ in range(30):
        gauge.observe("a", messages, 1000)
    assert careful < gauge.get("a") < 4
    assert gauge.get("b") == careful
    gauge.observe("a", messages, 3000)
    assert gauge.get("a") < 4000 / 2900


@given(st.lists(st.integers(0, 10**6)), st.integers(0, 10**5))
def test_a_gauge_stays_within_reason(reported: list[int], size: int) -> None:
    gauge = TokenGauge()
    for tokens in reported:
        gauge.observe("a", [ChatMessage("user", "x" * size)], tokens)
        assert 1 <= gauge.get("a") <= 5
    gauge.shrink("a")
    assert gauge.get("a") >= 1


async def test_an_answer_may_follow_a_schema(asker: User, script: Script) -> None:
    schema: JSON = {"type": "object", "properties": {"name": {"type": "string"}}}
    for wanted in ("json", schema):
        await asker.ask("Who?", **NO_DOCUMENTS, format=wanted)
        assert script.requests[-1]["format"] == wanted


async def test_images_reach_the_model(asker: User, script: Script, user: User) -> None:
    image = base64.b64encode(b"\x89PNG a picture").decode()
    answer = await asker.ask("What is this?", **NO_DOCUMENTS, images=[image])
    assert script.requests[-1]["messages"][-1]["images"] == [image]
    await asker.http.post(f"/chat/messages/{answer['message_id']}/regenerate")
    assert script.requests[-1]["messages"][-1]["images"] == [image]
    await asker.ask("And now?", **NO_DOCUMENTS, session_id=answer["session_id"])
    assert not any("images" in message for message in script.requests[-1]["messages"])
    blind = await user.http.post("/chat/query", json={"query": "What?", "images": [image]})
    assert (blind.status_code, blind.json()["code"]) == (400, "model_capability_missing")


@pytest.mark.parametrize(
    "body",
    [
        {"images": ["data:image/png;base64,aGk="]},
        {"images": ["not base64!"]},
        {"images": []},
        {"format": "xml"},
        {"format": {"x": "y" * 20_001}},
        {"format": []},
    ],
)
async def test_odd_images_and_formats_are_refused(user: User, body: JSON) -> None:
    response = await user.http.post("/chat/query", json={"query": "What?", **body})
    assert (response.status_code, response.json()["code"]) == (422, "validation_failed")


async def test_thinking_must_be_possible(user: User) -> None:
    response = await user.http.post("/chat/query", json={"query": "What?", "think": True})
    assert (response.status_code, response.json()["code"]) == (400, "model_capability_missing")
    assert (await user.http.get("/chat/sessions")).json()["items"] == []


async def test_citations_across_tokens_count_and_inventions_do_not(user: User) -> None:
    await user.add_document("Oxygen was discovered by Scheele in 1773.")
    answer = await user.ask("Who discovered oxygen?", model="fault-citing")
    assert [source["is_cited"] for source in answer["sources"]] == [True]
    assert answer["answer"] == "By Scheele [1], not [7]."


async def test_nul_in_an_answer_is_left_out(asker: User, script: Script) -> None:
    script.say("be\0fore", "\0", "after")
    events = await asker.stream("Q", **NO_DOCUMENTS)
    assert events[-1].data["message"]["content"] == "beforeafter"


async def test_the_model_may_find_a_title(scripted_settings: Settings, script: Script) -> None:
    chat = scripted_settings.chat.model_copy(update={"has_model_titles": True})
    settings = rehouse(scripted_settings.model_copy(update={"chat": chat}), "titles")
    script.say('"A fine title"\n')
    async with run_server(create_app(settings)) as server, sign_up(server.api_url) as user:
        answer = await user.ask("What is this about?", **NO_DOCUMENTS)
        address = f"/chat/sessions/{answer['session_id']}"
        async with asyncio.timeout(60):
            while (await user.http.get(address)).json()["title"] != "A fine title":
                await asyncio.sleep(0.02)
        await user.ask("And this?", **NO_DOCUMENTS, session_id=answer["session_id"])
        await asyncio.sleep(0.05)
        assert len(script.requests) == 3


async def test_thoughts_between_tags_are_no_part_of_the_answer(script: Script, asker: User) -> None:
    script.capabilities = ("completion",)
    script.say("<th", "ink>Hm, [1].</thi", "nk>\n\nSo it ", "is.")
    answer = await asker.ask("Well?", **NO_DOCUMENTS)
    message: JSON = (await asker.http.get(f"/chat/messages/{answer['message_id']}")).json()
    assert (message["thinking"], message["content"]) == ("Hm, [1].", "So it is.")
    assert "think" not in script.requests[0]
