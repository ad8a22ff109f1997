"""The `openai` package, in its second and its third major version."""

from typing import Any

import openai
from checks import ANSWER, BASE_URL, MODEL, QUESTION, TOKEN, WEATHER, expect, run

client = openai.OpenAI(api_key=TOKEN, base_url=BASE_URL, max_retries=0)
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


def ask_plainly() -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    expect(answer.choices[0].message.content, told=answer)
    expect(answer.usage and answer.usage.total_tokens > 0, told=answer)


def stream() -> None:
    chunks = client.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    *pieces, usage = list(chunks)
    expect(len(pieces) > 2 and usage.usage, told=usage)
    with client.chat.completions.stream(model=MODEL, messages=MESSAGES) as events:
        expect(events.get_final_completion().choices[0].finish_reason == "stop")


def ask_documents() -> None:
    answer = client.chat.completions.create(model=f"{MODEL}@docs", messages=MESSAGES)
    message = answer.choices[0].message
    expect(ANSWER in (message.content or ""), told=answer)
    citation = (message.annotations or [])[0].url_citation
    expect((message.content or "")[citation.start_index : citation.end_index] == "[1]")
    expect((answer.model_extra or {})["sources"][0]["filename"] == "oxygen.md", told=answer)


def call_a_tool() -> None:
    tools: Any = [WEATHER]
    asked = client.chat.completions.create(model="fault-tools", messages=MESSAGES, tools=tools)
    (call,) = asked.choices[0].message.tool_calls or []
    expect(call.type == "function" and call.function.name == "get_weather", told=call)
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "Rain"}
    messages: Any = [*MESSAGES, asked.choices[0].message, result]
    expect(client.chat.completions.create(model=MODEL, messages=messages).choices)


def embed() -> None:
    found = client.embeddings.create(model="offline-embed", input=["the sea", "the land"])
    expect([len(item.embedding) for item in found.data] == [1024, 1024], told=found.usage)


def respond() -> None:
    answer = client.responses.create(model=f"{MODEL}@docs", input=QUESTION)
    expect(ANSWER in answer.output_text, told=answer)
    with client.responses.stream(model=MODEL, input=QUESTION) as events:
        kinds = [event.type for event in events]
    expect(kinds[0] == "response.created" and kinds[-1] == "response.completed", told=kinds)


def fail() -> None:
    try:
        client.chat.completions.create(model="nobody", messages=MESSAGES)
    except openai.NotFoundError as error:
        expect(error.code == "model_not_found" and error.request_id, told=error)
        return
    raise AssertionError("an unknown model answered")


def fail_midway() -> None:
    pieces = []
    try:
        for piece in client.chat.completions.create(
            model="fault-error-mid", messages=MESSAGES, stream=True
        ):
            pieces.append(piece)  # noqa: PERF402, what came before the failure is wanted
    except openai.APIError as error:
        expect(error.code == "llm_failed" and len(pieces) == 2, told=error)
        return
    raise AssertionError("half an answer passed for a whole one")


run(
    "openai (Python)",
    openai.__version__,
    {
        "plain": ask_plainly,
        "streamed": stream,
        "documents": ask_documents,
        "tools": call_a_tool,
        "embeddings": embed,
        "responses": respond,
        "errors": fail,
        "failure midway": fail_midway,
    },
)
