"""Builds the services of chat, resolves what the caller owns, and starts answers."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from src.auth.dependencies import CurrentUser, DetachedUser
from src.chat.generation import AnswerEngine
from src.chat.live import LiveAnswer
from src.chat.models import ChatSession
from src.chat.prompts import build_prompt
from src.chat.schemas import QueryCreate
from src.chat.service import ChatService
from src.config import Settings
from src.database import SessionDep, release
from src.llm.dependencies import LLMServiceDep


async def get_chat_service(connection: HTTPConnection, session: SessionDep) -> ChatService:
    settings: Settings = connection.state.settings
    return ChatService(session, settings.chat)


ChatServiceDep = Annotated[ChatService, Depends(get_chat_service)]


async def get_answer_engine(connection: HTTPConnection) -> AnswerEngine:
    engine: AnswerEngine = connection.state.answers
    return engine


AnswerEngineDep = Annotated[AnswerEngine, Depends(get_answer_engine)]


async def get_owned_session(
    session_id: UUID, user: CurrentUser, service: ChatServiceDep
) -> ChatSession:
    return await service.get_session(user.user_id, session_id)


OwnedSession = Annotated[ChatSession, Depends(get_owned_session)]


async def start_answer(
    request: Request,
    body: QueryCreate,
    user: DetachedUser,
    session: SessionDep,
    service: ChatServiceDep,
    llm: LLMServiceDep,
    engine: AnswerEngineDep,
) -> LiveAnswer:
    """Store a question and start its answer. Whatever has a status fails here, before a stream."""
    model = await llm.resolve_chat_model(body.model)
    build_prompt(body.query, [], [] if body.use_documents else None, model.prompt_tokens)
    question = await service.store_question(user.user_id, body, model, request.state.request_id)
    await release(session)
    return engine.start(question)


StartedAnswer = Annotated[LiveAnswer, Depends(start_answer)]
