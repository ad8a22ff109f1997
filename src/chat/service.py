"""The chats of one user and their messages, feedback among them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.exceptions import (
    ChatSessionNotFoundError,
    MessageNotFoundError,
    NotAnAnswerError,
)
from src.chat.models import ChatSession, Message, MessageFeedback
from src.chat.records import describe_messages
from src.chat.schemas import (
    ChatSessionCreate,
    ChatSessionUpdate,
    FeedbackRead,
    FeedbackUpdate,
    MessagePage,
    MessageRead,
)
from src.chat.tree import load_branch
from src.database import utc_now


class ChatService:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def create_session(self, user_id: UUID, new: ChatSessionCreate) -> ChatSession:
        chat = ChatSession(user_id=user_id, **new.model_dump())
        self._session.add(chat)
        await self._session.flush()
        await self._session.refresh(chat)
        return chat

    async def get_session(self, user_id: UUID, session_id: UUID) -> ChatSession:
        chat = await self._session.scalar(_owned_by(user_id).where(ChatSession.id == session_id))
        if chat is None:
            raise ChatSessionNotFoundError
        return chat

    async def lock_session(self, user_id: UUID, session_id: UUID) -> ChatSession:
        """Get a chat that nobody can delete before the transaction ends."""
        query = _owned_by(user_id).where(ChatSession.id == session_id)
        chat = await self._session.scalar(query.with_for_update(read=True, key_share=True))
        if chat is None:
            raise ChatSessionNotFoundError
        return chat

    async def update_session(self, chat: ChatSession, change: ChatSessionUpdate) -> ChatSession:
        values = change.model_dump(exclude_unset=True)
        if "is_archived" in values:
            values["archived_at"] = utc_now() if values.pop("is_archived") else None
        await self._session.execute(
            update(ChatSession).where(ChatSession.id == chat.id).values(values)
        )
        await self._session.refresh(chat)
        return chat

    async def delete_session(self, chat: ChatSession) -> None:
        await self._session.execute(delete(ChatSession).where(ChatSession.id == chat.id))

    async def list_messages(
        self, chat: ChatSession, leaf_id: UUID | None, after: UUID | None, limit: int
    ) -> MessagePage:
        """Page through the messages of a chat, or of one branch of it, from the first on."""
        if leaf_id is None:
            rows = await self._load_messages(chat.id, after, limit + 1)
        else:
            rows = await load_branch(self._session, chat.id, leaf_id, after, limit + 1)
        page = rows[:limit]
        return MessagePage(
            items=await describe_messages(self._session, page),
            next_cursor=page[-1].id if len(rows) > limit else None,
        )

    async def get_message(self, user_id: UUID, message_id: UUID) -> MessageRead:
        message = await self.find_message(user_id, message_id)
        return (await describe_messages(self._session, [message]))[0]

    async def find_message(self, user_id: UUID, message_id: UUID) -> Message:
        message = await self._session.scalar(
            select(Message)
            .where(Message.id == message_id, Message.user_id == user_id)
            .execution_options(populate_existing=True)
        )
        if message is None:
            raise MessageNotFoundError
        return message

    async def find_answer(self, user_id: UUID, message_id: UUID) -> Message:
        message = await self.find_message(user_id, message_id)
        if message.role != "assistant":
            raise NotAnAnswerError
        return message

    async def request_stop(self, answer_id: UUID) -> None:
        """Mark an answer, so that whichever process generates it sees that it should stop."""
        await self._session.execute(
            update(Message)
            .where(Message.id == answer_id, Message.status == "streaming")
            .values(is_stop_requested=True)
            .execution_options(synchronize_session=False)
        )

    async def set_feedback(self, answer_id: UUID, feedback: FeedbackUpdate) -> FeedbackRead:
        values = {**feedback.model_dump(), "updated_at": func.now()}
        row = await self._session.scalar(
            insert(MessageFeedback)
            .values(message_id=answer_id, **values)
            .on_conflict_do_update(index_elements=[MessageFeedback.message_id], set_=values)
            .returning(MessageFeedback)
        )
        return FeedbackRead.model_validate(row)

    async def delete_feedback(self, answer_id: UUID) -> None:
        await self._session.execute(
            delete(MessageFeedback).where(MessageFeedback.message_id == answer_id)
        )

    async def _load_messages(
        self, session_id: UUID, after: UUID | None, most: int
    ) -> Sequence[Message]:
        query = select(Message).where(Message.session_id == session_id).order_by(Message.id)
        if after is not None:
            query = query.where(Message.id > after)
        return (await self._session.scalars(query.limit(most))).all()


def _owned_by(user_id: UUID) -> Select[ChatSession]:
    """Every statement on chats starts here: nobody reaches another user's."""
    return select(ChatSession).where(ChatSession.user_id == user_id)
