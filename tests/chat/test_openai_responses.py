"""OpenAI's newer endpoint, driven by OpenAI's own package."""

from collections.abc import AsyncIterator

import openai
import pytest

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import JSON, User

OXYGEN = "# Oxygen\n\nOxygen was discovered by Carl Wilhelm Scheele in Uppsala in 1773.\n"
QUESTION = "Who discovered oxygen?"


@pytest.fixture
async def client(server: LoopbackServer, user: User) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=user.token, base_url=f"{server.url}/v1", max_retries=0
    ) as client:
        yield client


async def test_a_response_is_the_answer(client: openai.AsyncOpenAI) -> None:
    response = await client.responses.create(
        model="offline-chat", input=QUESTION, instructions="Be brief."
    )
    assert (response.status, response.object) == ("completed", "response")
    assert "offline model" in response.output_text
    assert response.usage is not None
    assert response.usage.total_tokens > response.usage.output_tokens > 0


async def test_a_response_from_documents_is_cited(client: openai.AsyncOpenAI, user: User) -> None:
    document = await user.add_document(OXYGEN)
    response = await client.responses.create(
        model="offline-chat@docs", input=[{"role": "user", "content": QUESTION}]
    )
    message = response.output[0]
    assert message.type == "message"
    content = message.content[0]
    assert content.type == "output_text"
    (citation,) = content.annotations
    assert citation.type == "url_citation"
    assert document["id"] in citation.url
    assert content.text[citation.start_index : citation.end_index] == "[1]"
    assert (response.model_extra or {})["sources"][0]["document_id"] == document["id"]


async def test_the_events_come_in_the_order_of_openai(
    client: openai.AsyncOpenAI, user: User
) -> None:
    await user.add_document(OXYGEN)
    stream = await client.responses.create(model="@docs", input=QUESTION, stream=True)
    events = [event async for event in stream]
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    numbers = [event.sequence_number for event in events]
    assert numbers == list(range(len(events)))


async def test_the_streaming_helper_accepts_the_stream(client: openai.AsyncOpenAI) -> None:
    async with client.responses.stream(model="offline-chat", input=QUESTION) as stream:
        final = await stream.get_final_response()
    assert final.status == "completed"
    assert final.output_text


async def test_a_failure_midway_is_an_event(client: openai.AsyncOpenAI) -> None:
    stream = await client.responses.create(model="fault-error-mid", input=QUESTION, stream=True)
    *received, last = [event async for event in stream]
    assert last.type == "error"
    assert (last.code, last.param) == ("llm_failed", None)
    assert "response.completed" not in {event.type for event in received}


async def test_a_response_that_is_cut_is_incomplete(client: openai.AsyncOpenAI) -> None:
    response = await client.responses.create(
        model="offline-chat", input=QUESTION, max_output_tokens=3
    )
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
    ],
)
async def test_what_is_not_offered_is_refused(
    server: LoopbackServer, user: User, change: JSON, param: str
) -> None:
    body = {"model": "offline-chat", "input": QUESTION, **change}
    response = await user.http.post(f"{server.url}/v1/responses", json=body)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param
