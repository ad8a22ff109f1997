"""The chats of one user, and what must be stored before an answer can be generated."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import ChatSessionNotFoundError, MessageNotFoundError
from src.chat.generation import Question
from src.chat.models import ChatSession, Message
from src.chat.records import describe_message, load_sources
from src.chat.schemas import (
    ChatSessionCreate,
    ChatSessionRead,
    ChatSessionUpdate,
    MessagePage,
    MessageRead,
    QueryCreate,
)
from src.config import ChatSettings
from src.database import new_id, utc_now
from src.llm.schemas import ChatMessage
from src.llm.service import ChatModel
from src.schemas import Page, cut_page, decode_cursor

_TITLE_CHARACTERS = 80


class ChatService:
    def __init__(self, session: AsyncSession, settings: ChatSettings) -> None:
        self._session = session
        self._settings = settings

    async def store_question(
        self, user_id: UUID, request: QueryCreate, model: ChatModel, request_id: str | None
    ) -> Question:
        """Store the question and an empty answer, in the named chat or in a new one."""
        history: list[Message] = []
        if request.session_id is None:
            chat = ChatSession(id=new_id(), user_id=user_id, title=_make_title(request.query))
            self._session.add(chat)
        else:
            chat = await self.get_session(user_id, request.session_id)
            history = await self._load_history(chat.id)
        asked = Message(
            id=new_id(),
            session_id=chat.id,
            parent_id=history[-1].id if history else None,
            role="user",
            status="completed",
            content=request.query,
            completed_at=utc_now(),
        )
        answer = Message(
            id=new_id(),
            session_id=chat.id,
            parent_id=asked.id,
            role="assistant",
            status="streaming",
            content="",
            model=model.name,
            heartbeat_at=utc_now(),
        )
        self._session.add_all([asked, answer])
        await self._session.flush()
        return Question(
            user_id=user_id,
            session_id=chat.id,
            user_message_id=asked.id,
            message_id=answer.id,
            request=request,
            model=model,
            history=_as_history(history),
            request_id=request_id,
        )

    async def create_session(self, user_id: UUID, new: ChatSessionCreate) -> ChatSession:
        chat = ChatSession(user_id=user_id, title=new.title)
        self._session.add(chat)
        await self._session.flush()
        await self._session.refresh(chat)
        return chat

    async def list_sessions(
        self, user_id: UUID, cursor: str | None, limit: int
    ) -> Page[ChatSessionRead]:
        """Page through the chats of a user, the last used first."""
        query = _owned_by(user_id).order_by(ChatSession.updated_at.desc(), ChatSession.id.desc())
        if cursor is not None:
            position = decode_cursor(cursor)
            query = query.where(tuple_(ChatSession.updated_at, ChatSession.id) < position)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page, next_cursor = cut_page(rows, limit, lambda row: (row.updated_at, row.id))
        return Page(
            items=[ChatSessionRead.model_validate(row) for row in page], next_cursor=next_cursor
        )

    async def get_session(self, user_id: UUID, session_id: UUID) -> ChatSession:
        chat = await self._session.scalar(_owned_by(user_id).where(ChatSession.id == session_id))
        if chat is None:
            raise ChatSessionNotFoundError
        return chat

    async def update_session(self, chat: ChatSession, change: ChatSessionUpdate) -> ChatSession:
        await self._session.execute(
            update(ChatSession).where(ChatSession.id == chat.id).values(title=change.title)
        )
        await self._session.refresh(chat)
        return chat

    async def delete_session(self, chat: ChatSession) -> None:
        await self._session.execute(delete(ChatSession).where(ChatSession.id == chat.id))

    async def list_messages(self, chat: ChatSession, after: UUID | None, limit: int) -> MessagePage:
        """Page through the messages of a chat in the order they were made."""
        query = select(Message).where(Message.session_id == chat.id).order_by(Message.id)
        if after is not None:
            query = query.where(Message.id > after)
        rows = (await self._session.scalars(query.limit(limit + 1))).all()
        page = rows[:limit]
        sources = await load_sources(self._session, [row.id for row in page])
        return MessagePage(
            items=[describe_message(row, sources[row.id]) for row in page],
            next_cursor=page[-1].id if len(rows) > limit else None,
        )

    async def get_message(self, user_id: UUID, message_id: UUID) -> MessageRead:
        message = await self._session.scalar(
            select(Message)
            .where(Message.id == message_id)
            .where(Message.session_id.in_(_owned_by(user_id).with_only_columns(ChatSession.id)))
        )
        if message is None:
            raise MessageNotFoundError
        sources = await load_sources(self._session, [message.id])
        return describe_message(message, sources[message.id])

    async def _load_history(self, session_id: UUID) -> list[Message]:
        """Load the last messages of a chat, oldest first."""
        rows = await self._session.scalars(
            select(Message)
            .where(Message.session_id == session_id)
            .order_by(Message.id.desc())
            .limit(max(self._settings.history_messages, 1))
        )
        return list(rows)[::-1]


def _owned_by(user_id: UUID) -> Select[ChatSession]:
    """Every statement on chats starts here: nobody reaches another user's."""
    return select(ChatSession).where(ChatSession.user_id == user_id)


def _as_history(messages: Sequence[Message]) -> list[ChatMessage]:
    return [
        ChatMessage("user" if message.role == "user" else "assistant", message.content)
        for message in messages
        if message.content
    ]


def _make_title(question: str) -> str:
    line = " ".join(question.split())
    if len(line) <= _TITLE_CHARACTERS:
        return line
    return line[: _TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
