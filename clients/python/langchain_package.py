"""`langchain-openai`."""

from importlib.metadata import version

import openai
from checks import ANSWER, BASE_URL, MODEL, QUESTION, TOKEN, WEATHER, expect, run
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr


def make(model: str) -> ChatOpenAI:
    return ChatOpenAI(
        model=model,
        api_key=SecretStr(TOKEN),
        base_url=BASE_URL,
        max_retries=0,
        stream_usage=True,
    )


def ask_plainly() -> None:
    answer = make(MODEL).invoke(QUESTION)
    expect(answer.text and answer.usage_metadata, told=answer)


def stream() -> None:
    pieces = list(make(MODEL).stream(QUESTION))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    expect(len(pieces) > 2 and whole.text and whole.usage_metadata, told=whole)


def ask_documents() -> None:
    expect(ANSWER in make(f"{MODEL}@docs").invoke(QUESTION).text)


def call_a_tool() -> None:
    (call,) = make("fault-tools").bind_tools([WEATHER]).invoke(QUESTION).tool_calls
    expect((call["name"], call["args"]) == ("get_weather", {"city": "Köln"}), told=call)


def embed() -> None:
    embeddings = OpenAIEmbeddings(
        model="offline-embed",
        api_key=SecretStr(TOKEN),
        base_url=BASE_URL,
        check_embedding_ctx_length=False,
    )
    expect([len(vector) for vector in embeddings.embed_documents(["a", "b"])] == [1024, 1024])


def fail() -> None:
    try:
        make("nobody").invoke(QUESTION)
    except openai.NotFoundError as error:
        expect(error.code == "model_not_found", told=error)
        return
    raise AssertionError("an unknown model answered")


def fail_midway() -> None:
    pieces = []
    try:
        for piece in make("fault-error-mid").stream(QUESTION):
            pieces.append(piece.text)  # noqa: PERF401, what came before the failure is wanted
    except openai.APIError as error:
        expect(error.code == "llm_failed" and "".join(pieces) == "Half", told=(error, pieces))
        return
    raise AssertionError("half an answer passed for a whole one")


run(
    "langchain-openai",
    version("langchain-openai"),
    {
        "plain": ask_plainly,
        "streamed": stream,
        "documents": ask_documents,
        "tools": call_a_tool,
        "embeddings": embed,
        "errors": fail,
        "failure midway": fail_midway,
    },
)
