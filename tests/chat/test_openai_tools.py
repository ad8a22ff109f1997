"""Tools, images and structured output pass through the OpenAI-compatible API."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from src.config import Settings
from src.main import create_app
from tests.fixtures.servers import run_server
from tests.fixtures.users import sign_up
from tests.llm.scripted import ScriptedModel, ScriptedServer

CALL = {"function": {"name": "get_weather", "arguments": {"city": "Köln"}}}
FUNCTION: Any = {"name": "get_weather", "parameters": {"type": "object"}}
TOOLS: Any = [{"type": "function", "function": FUNCTION}]
HI: Any = [{"role": "user", "content": "Hi"}]
PIXEL = "iVBORw0KGgo="


@dataclass
class Able:
    ollama: ScriptedServer
    client: openai.AsyncOpenAI


@pytest.fixture
async def able(settings: Settings) -> AsyncIterator[Able]:
    """A client of a model that can do everything, and that wants to know the weather."""
    capabilities = ["completion", "tools", "vision"]
    ollama = ScriptedServer({"able:latest": ScriptedModel(capabilities=capabilities)})
    ollama.said = {"content": "", "tool_calls": [CALL]}
    async with run_server(ollama.app) as upstream:
        changed = {
            "ollama": settings.ollama.model_copy(update={"url": upstream.url}),
            "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
            "data_dir": settings.data_dir / "able",
        }
        async with (
            run_server(create_app(settings.model_copy(update=changed))) as server,
            sign_up(server.api_url) as user,
            openai.AsyncOpenAI(
                api_key=user.token, base_url=f"{server.url}/v1", max_retries=0
            ) as client,
        ):
            yield Able(ollama, client)


async def test_a_model_calls_a_tool_and_hears_what_came_of_it(able: Able) -> None:
    asked = await able.client.chat.completions.create(model="able", messages=HI, tools=TOOLS)
    choice = asked.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Köln"}')
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "Rain"}
    messages: Any = [*HI, choice.message, result]
    await able.client.chat.completions.create(model="able", messages=messages, tools=TOOLS)
    first, second = able.ollama.bodies_of("chat")
    assert first["tools"] == TOOLS
    assert second["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": call.id}]},
        {
            "role": "tool",
            "content": "Rain",
            "tool_call_id": call.id,
            "tool_name": "get_weather",
        },
    ]


async def test_a_streamed_tool_call_is_whole(able: Able) -> None:
    async with able.client.chat.completions.stream(
        model="able", messages=HI, tools=TOOLS
    ) as stream:
        final = await stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "Köln"}')
    assert final.choices[0].finish_reason == "tool_calls"


async def test_the_newer_endpoint_calls_tools_too(able: Able) -> None:
    tools: Any = [{"type": "function", **FUNCTION}]
    async with able.client.responses.stream(model="able", input="Hi", tools=tools) as stream:
        final = await stream.get_final_response()
    call = final.output[-1]
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("get_weather", '{"city": "Köln"}')
    assert able.ollama.bodies_of("chat")[0]["tools"] == TOOLS


async def test_no_tools_are_offered_when_none_may_be_used(able: Able) -> None:
    await able.client.chat.completions.create(
        model="able", messages=HI, tools=TOOLS, tool_choice="none"
    )
    assert "tools" not in able.ollama.bodies_of("chat")[0]


async def test_images_and_schemas_pass_through(able: Able) -> None:
    schema: Any = {"type": "object", "properties": {"colour": {"type": "string"}}}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    messages: Any = [
        {"role": "user", "content": [{"type": "text", "text": "Which colour?"}, image]}
    ]
    await able.client.chat.completions.create(
        model="able",
        messages=messages,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "colour", "schema": schema},
        },
    )
    body = able.ollama.bodies_of("chat")[0]
    assert body["messages"] == [{"role": "user", "content": "Which colour?", "images": [PIXEL]}]
    assert body["format"] == schema
