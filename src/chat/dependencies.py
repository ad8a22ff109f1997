"""Builds the services of chat, resolves what the caller owns, and starts answers."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Request
from starlette.requests import HTTPConnection

from src.auth.dependencies import CurrentUser, get_authenticator
from src.auth.limits import AttemptLimiter
from src.chat.asking import Asker, AskingService
from src.chat.engine import AnswerEngine
from src.chat.following import Answer
from src.chat.models import ChatSession, Message
from src.chat.schemas import QueryCreate, RegenerateCreate
from src.chat.search import ChatSearchService
from src.chat.service import ChatService
from src.config import ChatSettings, Settings
from src.database import SessionDep, Sessions, release
from src.llm.dependencies import LLMServiceDep, UsageServiceDep, get_usage_service
from src.llm.service import LLMService


async def get_chat_service(session: SessionDep) -> ChatService:
    return ChatService(session)


ChatServiceDep = Annotated[ChatService, Depends(get_chat_service)]


async def get_chat_search_service(session: SessionDep) -> ChatSearchService:
    return ChatSearchService(session)


ChatSearchServiceDep = Annotated[ChatSearchService, Depends(get_chat_search_service)]


async def get_answer_engine(connection: HTTPConnection) -> AnswerEngine:
    engine: AnswerEngine = connection.state.answers
    return engine


AnswerEngineDep = Annotated[AnswerEngine, Depends(get_answer_engine)]


async def get_chat_settings(connection: HTTPConnection) -> ChatSettings:
    settings: Settings = connection.state.settings
    return settings.chat


ChatSettingsDep = Annotated[ChatSettings, Depends(get_chat_settings)]


async def get_sessions(connection: HTTPConnection) -> Sessions:
    sessions: Sessions = connection.state.sessions
    return sessions


# For what outlives the request's own transaction, such as a streamed body.
SessionsDep = Annotated[Sessions, Depends(get_sessions)]


async def get_asking_service(
    session: SessionDep,
    chats: ChatServiceDep,
    llm: LLMServiceDep,
    usage: UsageServiceDep,
    engine: AnswerEngineDep,
    settings: ChatSettingsDep,
) -> AskingService:
    return AskingService(session, chats, llm, usage, engine, settings)


AskingServiceDep = Annotated[AskingService, Depends(get_asking_service)]


async def get_owned_session(
    session_id: UUID, user: CurrentUser, service: ChatServiceDep
) -> ChatSession:
    return await service.get_session(user.user_id, session_id)


OwnedSession = Annotated[ChatSession, Depends(get_owned_session)]


async def get_owned_answer(message_id: UUID, user: CurrentUser, service: ChatServiceDep) -> Message:
    return await service.find_answer(user.user_id, message_id)


OwnedAnswer = Annotated[Message, Depends(get_owned_answer)]


async def get_asker(
    request: Request,
    user: CurrentUser,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="Your name for this request: sent again within a day, it returns the same "
            "answer instead of asking anew.",
        ),
    ] = None,
) -> Asker:
    return Asker(user.user_id, request.state.request_id, idempotency_key)


CurrentAsker = Annotated[Asker, Depends(get_asker)]


async def start_answer(asker: CurrentAsker, body: QueryCreate, service: AskingServiceDep) -> Answer:
    """Store a question and start its answer. Whatever has a status fails here, before a stream."""
    return await service.ask(asker, body)


StartedAnswer = Annotated[Answer, Depends(start_answer)]


async def start_another_answer(
    asker: CurrentAsker,
    message_id: UUID,
    service: AskingServiceDep,
    body: RegenerateCreate | None = None,
) -> Answer:
    return await service.regenerate(asker, message_id, body or RegenerateCreate())


AnotherAnswer = Annotated[Answer, Depends(start_another_answer)]


class SocketServices:
    """What a WebSocket needs, each call in a short transaction of its own."""

    def __init__(self, connection: HTTPConnection) -> None:
        settings: Settings = connection.state.settings
        self.settings = settings.chat
        self._connection = connection
        self._sessions: Sessions = connection.state.sessions
        self._engine: AnswerEngine = connection.state.answers

    async def authenticate(self, token: str) -> UUID:
        """Return whose token it is. Raises an `UnauthenticatedError` for one that is not valid."""
        authenticator = await get_authenticator(self._connection)
        caller = await authenticator.authenticate(token)
        caller.require_scope("chat")
        return caller.user_id

    async def ask(self, user_id: UUID, query: QueryCreate, key: str | None) -> Answer:
        llm: LLMService = self._connection.state.llm
        limiter: AttemptLimiter = self._connection.state.limiter
        await limiter.count_request("model", user_id)
        async with self._sessions() as session:
            usage = await get_usage_service(self._connection, session)
            chats = ChatService(session)
            asking = AskingService(session, chats, llm, usage, self._engine, self.settings)
            return await asking.ask(Asker(user_id, None, key), query)

    async def open(self, user_id: UUID, message_id: UUID) -> Answer:
        async with self._sessions() as session:
            await ChatService(session).find_answer(user_id, message_id)
        return self._engine.open(message_id)

    async def stop(self, user_id: UUID, message_id: UUID) -> None:
        async with self._sessions() as session:
            chats = ChatService(session)
            await chats.find_answer(user_id, message_id)
            await chats.request_stop(message_id)
            await release(session)
        await self._engine.stop(message_id)


async def get_socket_services(connection: HTTPConnection) -> SocketServices:
    return SocketServices(connection)
