"""Builds the service, and starts answers: whatever has a status fails here, before a stream."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from src.auth.dependencies import CurrentUser
from src.auth.schemas import Principal
from src.chat.openai.conversion import (
    read_effort,
    read_messages,
    read_options,
    read_response_format,
    read_texts,
)
from src.chat.openai.exceptions import UnsupportedParameterError
from src.chat.openai.rendering import Collected
from src.chat.openai.responses import ResponseCreate, read_request
from src.chat.openai.schemas import (
    ChatCompletionCreate,
    CompletionCreate,
    GenerationCreate,
    SamplingCreate,
)
from src.chat.openai.service import DOCUMENTS_SUFFIX, OpenAIService, TextRequest
from src.chat.service import ChatService
from src.config import Settings
from src.database import SessionDep, release
from src.documents.dependencies import SearchServiceDep
from src.llm.dependencies import LLMServiceDep, UsageServiceDep
from src.llm.schemas import ChatMessage

# So long an answer may take to begin before the stream is opened without it: what fails by then
# fails with a status, which clients know to retry.
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Started:
    """An answer that has begun, and how its caller wants it."""

    collected: Collected
    is_streamed: bool
    has_usage: bool


async def get_openai_service(
    connection: HTTPConnection, search: SearchServiceDep, llm: LLMServiceDep
) -> OpenAIService:
    settings: Settings = connection.state.settings
    return OpenAIService(
        connection.state.sessions, search, llm, connection.state.answers, settings.chat
    )


OpenAIServiceDep = Annotated[OpenAIService, Depends(get_openai_service)]


async def get_spender(user: CurrentUser, session: SessionDep, usage: UsageServiceDep) -> Principal:
    """Return the caller when there are tokens left, with no database connection held."""
    await usage.check_quota(user.user_id)
    await release(session)
    return user


Spender = Annotated[Principal, Depends(get_spender)]


async def get_session_id(
    user: Spender,
    session: SessionDep,
    session_id: Annotated[
        UUID | None,
        Header(
            alias="X-Colloquy-Session",
            description="Not OpenAI's: a chat of yours, in which question and answer are kept.",
        ),
    ] = None,
) -> UUID | None:
    if session_id is not None:
        user.require_scope("chat")
        await ChatService(session).get_session(user.user_id, session_id)
        await release(session)
    return session_id


SessionID = Annotated[UUID | None, Depends(get_session_id)]


async def start_chat_completion(
    request: Request,
    body: ChatCompletionCreate,
    user: Spender,
    service: OpenAIServiceDep,
    session_id: SessionID,
) -> Started:
    asked = TextRequest(
        messages=read_messages(body.messages),
        options=read_options(body),
        think=read_effort(body.reasoning_effort),
        response_format=read_response_format(body.response_format),
        tools=None if body.tool_choice == "none" else body.tools,
    )
    return await _start(request, body, user, service, asked, "chatcmpl-", session_id)


async def start_completion(
    request: Request,
    body: CompletionCreate,
    user: Spender,
    service: OpenAIServiceDep,
    session_id: SessionID,
) -> Started:
    prompts = read_texts(body.prompt, "prompt")
    if len(prompts) != 1:
        raise UnsupportedParameterError("prompt", "Send one prompt at a time.")
    if body.suffix:
        raise UnsupportedParameterError("suffix", "Text cannot be filled in before a suffix.")
    asked = TextRequest([ChatMessage("user", prompts[0])], read_options(body))
    return await _start(request, body, user, service, asked, "cmpl-", session_id)


async def start_response(
    request: Request,
    body: ResponseCreate,
    user: Spender,
    service: OpenAIServiceDep,
    session_id: SessionID,
) -> Started:
    asked = read_request(body)
    return await _start(request, body, user, service, asked, "resp_", session_id)


StartedChatCompletion = Annotated[Started, Depends(start_chat_completion)]
StartedCompletion = Annotated[Started, Depends(start_completion)]
StartedResponse = Annotated[Started, Depends(start_response)]


def get_documents_url(request: Request) -> str:
    """Return where documents are read, as the caller reached this server."""
    return f"{str(request.base_url).rstrip('/')}/api/v1"


async def _start(
    request: Request,
    body: GenerationCreate,
    user: Principal,
    service: OpenAIService,
    asked: TextRequest,
    prefix: str,
    session_id: UUID | None,
) -> Started:
    if body.model.endswith(DOCUMENTS_SUFFIX):
        user.require_scope("chat")
    answer = await service.start(user.user_id, body, asked, prefix, session_id)
    try:
        await answer.running.wait_for_beginning(_PATIENCE_SECONDS if body.stream else 0)
    except BaseException:
        await answer.running.stop()
        raise
    return Started(
        Collected(answer, get_documents_url(request)),
        is_streamed=bool(body.stream),
        has_usage=isinstance(body, SamplingCreate) and body.has_usage,
    )
