"""Bodies that nobody sends by mistake: whatever they hold, the answer is an error in due form."""

import httpx
import pytest

from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User

HALF_CHARACTER = "\\ud800"
USER = '{"role": "user", "content": "Hi"}'


def nest(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def ask(field: str, json: str) -> str:
    return f'{{"model": "fault-tools", "messages": [{USER}], "{field}": {json}}}'


def say(content: str) -> str:
    message = f'{{"role": "user", "content": "{content}"}}'
    return f'{{"model": "fault-tools", "messages": [{message}]}}'


def call(arguments: str) -> str:
    function = f'{{"name": "f", "arguments": "{arguments}"}}'
    message = f'{{"role": "assistant", "tool_calls": [{{"id": "1", "function": {function}}}]}}'
    return f'{{"model": "fault-tools", "messages": [{message}]}}'


def escape(json: str) -> str:
    return json.replace('"', '\\"')


def write_format(schema: str) -> str:
    return f'{{"type": "json_schema", "json_schema": {{"schema": {schema}}}}}'


BODIES = {
    **{f"tools nested {depth} deep": ask("tools", f"[{nest(depth)}]") for depth in (200, 300, 900)},
    "tools nested beyond reading": ask("tools", f"[{nest(100_000)}]"),
    **{
        f"format nested {depth} deep": ask("response_format", write_format(nest(depth)))
        for depth in (200, 300, 900)
    },
    "tool choice nested": ask("tool_choice", nest(300)),
    "what is ignored nested": ask("metadata", nest(100_000)),
    "arguments nested": call(escape(nest(300))),
    "arguments nested beyond reading": call(escape(nest(90_000))),
    "lists nested": "[" * 200_000 + "]" * 200_000,
    "half a character in a tool": ask("tools", f'[{{"name": "{HALF_CHARACTER}"}}]'),
    "half a character as a key": ask("tools", f'[{{"{HALF_CHARACTER}": 1}}]'),
    "half a character in arguments": call(f'{{\\"a\\": \\"\\{HALF_CHARACTER}\\"}}'),
    "half a character in a stop": ask("stop", f'["{HALF_CHARACTER}"]'),
    "half a character in a question": say(HALF_CHARACTER),
    "half a character in what is ignored": ask("user", f'"{HALF_CHARACTER}"'),
    "no number": ask("temperature", "NaN"),
    "a number beyond reading": ask("seed", "9" * 5000),
    "an unknown model with odd characters": f'{{"model": "\\u0000", "messages": [{USER}]}}',
    "no JSON": "\\u0000",
    "nothing": "",
    "null": "null",
    "a list": "[]",
}
RESPONSES = {
    "tools": f'{{"model": "fault-tools", "input": "Hi", "tools": [{nest(300)}]}}',
    "format": f'{{"model": "fault-tools", "input": "Hi", "text": {{"format": {nest(300)}}}}}',
    "half a character": f'{{"model": "fault-tools", "input": "{HALF_CHARACTER}"}}',
    "half a character in an item": (
        f'{{"model": "fault-tools", "input": [{{"output": "{HALF_CHARACTER}"}}]}}'
    ),
}
EMBEDDINGS = {
    "half a character": f'{{"model": "offline-embed", "input": "{HALF_CHARACTER}"}}',
    "half a character in a list": f'{{"model": "offline-embed", "input": ["{HALF_CHARACTER}"]}}',
    "nested": '{"model": "offline-embed", "input": ' + "[" * 900 + "]" * 900 + "}",
}
CASES = [
    *(("chat/completions", body) for body in BODIES.values()),
    *(("responses", body) for body in RESPONSES.values()),
    *(("embeddings", body) for body in EMBEDDINGS.values()),
]
NAMES = [*BODIES, *RESPONSES, *EMBEDDINGS]


async def send(server: LoopbackServer, user: User, path: str, body: str) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return await user.http.post(f"{server.url}{path}", content=body.encode(), headers=headers)


@pytest.mark.parametrize(("path", "body"), CASES, ids=NAMES)
async def test_no_body_breaks_the_server(
    server: LoopbackServer, user: User, path: str, body: str
) -> None:
    response = await send(server, user, f"/v1/{path}", body)
    assert response.status_code in (400, 404), response.text[:300]
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert response.headers["x-should-retry"] == "false"


async def test_what_can_be_written_goes_through(server: LoopbackServer, user: User) -> None:
    """As deep as any schema of a tool ever is."""
    response = await send(server, user, "/v1/chat/completions", ask("tools", f"[{nest(60)}]"))
    assert response.status_code == 200, response.text


async def test_a_body_that_is_too_large_is_refused_in_openais_words(
    server: LoopbackServer, user: User
) -> None:
    response = await send(server, user, "/v1/completions", say("x" * 1_100_000))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "request_too_large"
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("path", ["chat/completions", "responses", "embeddings"])
async def test_images_and_many_texts_have_more_room(
    server: LoopbackServer, user: User, path: str
) -> None:
    body = ask("not_invented_yet", f'"{"x" * 1_100_000}"')
    response = await send(server, user, f"/v1/{path}", body)
    assert response.status_code in (200, 400)


@pytest.mark.parametrize("schema", [nest(300), f'{{"a": "{HALF_CHARACTER}"}}'])
async def test_a_format_of_a_question_is_checked_alike(
    server: LoopbackServer, user: User, schema: str
) -> None:
    body = f'{{"query": "Hi", "format": {schema}}}'
    response = await send(server, user, "/api/v1/chat/query", body)
    assert (response.status_code, response.json()["code"]) == (422, "validation_failed")
