"""LlamaIndex's `OpenAILike`."""

from importlib.metadata import version
from typing import Any

import openai
from checks import ANSWER, BASE_URL, MODEL, QUESTION, TOKEN, expect, run
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

MESSAGES = [ChatMessage(role="user", content=QUESTION)]


def make(model: str, **options: Any) -> OpenAILike:  # noqa: ANN401, theirs
    return OpenAILike(
        model=model,
        api_key=TOKEN,
        api_base=BASE_URL,
        is_chat_model=True,
        context_window=8192,
        max_retries=0,
        **options,
    )


def ask_plainly() -> None:
    expect(make(MODEL).chat(MESSAGES).message.content)
    older = OpenAILike(model=MODEL, api_key=TOKEN, api_base=BASE_URL, max_retries=0)
    expect(older.complete(QUESTION).text)  # Without more it calls the older endpoint.


def stream() -> None:
    pieces = [piece.delta for piece in make(MODEL).stream_chat(MESSAGES)]
    expect(len(pieces) > 2, told=pieces)


def ask_documents() -> None:
    expect(ANSWER in (make(f"{MODEL}@docs").chat(MESSAGES).message.content or ""))


def call_a_tool() -> None:
    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        return f"Rain in {city}"

    model = make("fault-tools", is_function_calling_model=True)
    tool = FunctionTool.from_defaults(fn=get_weather)
    answer = model.chat_with_tools([tool], user_msg=QUESTION)
    (call,) = model.get_tool_calls_from_response(answer)
    expect((call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Köln"}), told=call)


def embed() -> None:
    embedding = OpenAILikeEmbedding(
        model_name="offline-embed", api_key=TOKEN, api_base=BASE_URL, max_retries=0
    )
    vectors = embedding.get_text_embedding_batch(["the sea", "the land"])
    expect([len(vector) for vector in vectors] == [1024, 1024])


def fail() -> None:
    try:
        make("nobody").chat(MESSAGES)
    except openai.NotFoundError as error:
        expect(error.code == "model_not_found", told=error)
        return
    raise AssertionError("an unknown model answered")


def fail_midway() -> None:
    pieces = []
    try:
        for piece in make("fault-error-mid").stream_chat(MESSAGES):
            pieces.append(piece.delta or "")  # noqa: PERF401, what came before the failure is wanted
    except openai.APIError as error:
        expect(error.code == "llm_failed" and "".join(pieces) == "Half", told=(error, pieces))
        return
    raise AssertionError("half an answer passed for a whole one")


run(
    "LlamaIndex OpenAILike",
    version("llama-index-llms-openai-like"),
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
