"""Ollama's own package, against the built-in stand-in for Ollama."""

from importlib.metadata import version

import ollama
from checks import MODEL, QUESTION, WEATHER, expect, run

client = ollama.Client()
MESSAGES = [{"role": "user", "content": QUESTION}]


def ask_plainly() -> None:
    answer = client.chat(model=MODEL, messages=MESSAGES)
    expect(answer.message.content and answer.done, told=answer)
    expect(MODEL in str(client.list().models))
    expect(client.show(MODEL).capabilities == ["completion"])


def stream() -> None:
    pieces = list(client.chat(model=MODEL, messages=MESSAGES, stream=True))
    expect(len(pieces) > 2 and pieces[-1].done_reason == "stop", told=pieces[-1])


def call_a_tool() -> None:
    pieces = client.chat(model="fault-tools", messages=MESSAGES, tools=[WEATHER], stream=True)
    (call,) = next(iter(pieces)).message.tool_calls or []
    expect(call.function.arguments == {"city": "Köln"}, told=call)


def embed() -> None:
    vectors = client.embed(model="offline-embed", input=["the sea", "the land"]).embeddings
    expect([len(vector) for vector in vectors] == [1024, 1024])


def pull() -> None:
    statuses = [progress.status for progress in client.pull(MODEL, stream=True)]
    expect(statuses[-1] == "success", told=statuses)


def fail() -> None:
    try:
        client.chat(model="nobody", messages=MESSAGES)
    except ollama.ResponseError as error:
        expect(error.status_code == 404, told=error)
        return
    raise AssertionError("an unknown model answered")


def fail_midway() -> None:
    pieces = []
    try:
        for piece in client.chat(model="fault-error-mid", messages=MESSAGES, stream=True):
            pieces.append(piece)  # noqa: PERF402, what came before the failure is wanted
    except ollama.ResponseError:
        expect(len(pieces) == 1, told=pieces)
        return
    raise AssertionError("half an answer passed for a whole one")


run(
    "ollama (Python)",
    version("ollama"),
    {
        "plain": ask_plainly,
        "streamed": stream,
        "tools": call_a_tool,
        "embeddings": embed,
        "pull": pull,
        "errors": fail,
        "failure midway": fail_midway,
    },
)
