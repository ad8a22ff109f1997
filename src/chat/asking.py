"""Asks questions: stores them, once each, and starts their answers."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_jsonable_python
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from src.chat.engine import AnswerEngine
from src.chat.exceptions import (
    IdempotencyKeyReusedError,
    MessageNotFoundError,
    NotAnAnswerError,
)
from src.chat.following import Answer
from src.chat.generation import Question
from src.chat.models import ChatSession, IdempotencyKey, Message
from src.chat.prompts import Task, build_prompt
from src.chat.records import unpack_rows
from src.chat.schemas import QueryCreate, RegenerateCreate
from src.chat.service import ChatService
from src.chat.titles import make_title
from src.chat.tree import find_newest_answer, load_history
from src.config import ChatSettings
from src.database import Base, begin_single, new_id, release, utc_now
from src.llm.resolved import ChatModel, check_capabilities
from src.llm.schemas import ChatMessage, ChatOptions
from src.llm.service import LLMService
from src.llm.usage import UsageService

_messages: Final = Base.metadata.tables[Message.__tablename__]
_chats: Final = Base.metadata.tables[ChatSession.__tablename__]
_ASKED: Final = [
    _messages.c[name]
    for name in (
        *("id", "session_id", "user_id", "parent_id", "role", "status", "content", "model"),
        *("request", "completed_at", "thinking", "runs", "is_stop_requested"),
    )
]
_asked: Final = unpack_rows(*_ASKED)
_ADD_MESSAGES: Final = insert(_messages).from_select(
    [*_ASKED, _messages.c.heartbeat_at], select(*_asked.c, func.now())
)
_UNWRITTEN: Final = {"thinking": "", "runs": [], "is_stop_requested": False}
_ANSWER: Final = {"role": "assistant", "status": "streaming", "content": ""}
_CHAT: Final = ("id", "user_id", "title")
_ADD_CHAT: Final = _ADD_MESSAGES.add_cte(
    insert(_chats).values({name: bindparam(f"chat_{name}") for name in _CHAT}).cte("chat")
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and under which key and request."""

    user_id: UUID
    request_id: str | None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A question that is not stored yet, or one that is to be answered again."""

    request: QueryCreate
    session_id: UUID | None = None
    parent_id: UUID | None = None
    system_prompt: str | None = None
    is_stored: bool = False
    question_id: UUID = field(default_factory=new_id)


class AskingService:
    """Holds no connection while it looks up a model, and none when an answer has started."""

    def __init__(
        self,
        session: AsyncSession,
        chats: ChatService,
        llm: LLMService,
        usage: UsageService,
        engine: AnswerEngine,
        settings: ChatSettings,
    ) -> None:
        self._session = session
        self._chats = chats
        self._llm = llm
        self._usage = usage
        self._engine = engine
        self._settings = settings

    async def ask(self, asker: Asker, request: QueryCreate) -> Answer:
        """Start an answer, or return the one that this key has led to already."""
        fingerprint = _make_fingerprint("ask", request.model_dump_json())
        if known := await self._find_known(asker, fingerprint):
            return self._engine.open(known)
        return await self._start(asker, await self._draft(asker.user_id, request), fingerprint)

    async def regenerate(self, asker: Asker, message_id: UUID, change: RegenerateCreate) -> Answer:
        """Answer the same question once more, beside the answers that it has."""
        fingerprint = _make_fingerprint("regenerate", f"{message_id} {change.model_dump_json()}")
        if known := await self._find_known(asker, fingerprint):
            return self._engine.open(known)
        draft = await self._draft_again(asker.user_id, message_id, change)
        return await self._start(asker, draft, fingerprint)

    async def _start(self, asker: Asker, draft: _Draft, fingerprint: str) -> Answer:
        await self._usage.check_quota(asker.user_id)
        await release(self._session)
        model = await self._llm.resolve_chat_model(draft.request.model)
        self._llm.check_room(model, asker.user_id)
        self._check(draft, model)
        message_id = new_id()
        async with self._engine.doorway:
            is_new = asker.key is None or await self._claim(asker, fingerprint, message_id)
            question = await self._store(asker, draft, model, message_id) if is_new else None
            await release(self._session)
        if question is not None:
            return self._engine.start(question)
        known = await self._find_known(asker, fingerprint)
        assert known is not None  # noqa: S101, the claim failed because of it
        return self._engine.open(known)

    def _check(self, draft: _Draft, model: ChatModel) -> None:
        """Refuse what cannot be answered before anything is stored."""
        request = draft.request
        check_capabilities(model, think=request.think, has_images=bool(request.images))
        build_prompt(
            Task(request.query, draft.system_prompt, request.images or ()),
            [],
            [] if request.use_documents else None,
            model.prompt_tokens,
            self._engine.gauge.get(model.digest),
        )

    async def _draft(self, user_id: UUID, request: QueryCreate) -> _Draft:
        """Find where the question belongs, and fill in what the chat has settled."""
        parent = None
        if request.parent_message_id is not None:
            parent = await self._chats.find_message(user_id, request.parent_message_id)
            if parent.role != "assistant":
                raise NotAnAnswerError
        session_id = request.session_id or (parent.session_id if parent else None)
        if session_id is None:
            return _Draft(request)
        chat = await self._chats.get_session(user_id, session_id)
        if parent is not None and parent.session_id != chat.id:
            raise MessageNotFoundError
        if "parent_message_id" in request.model_fields_set:
            parent_id = parent.id if parent else None
        else:
            parent_id = await find_newest_answer(self._session, chat.id)
        return _Draft(_settle(request, chat), chat.id, parent_id, chat.system_prompt)

    async def _draft_again(
        self, user_id: UUID, message_id: UUID, change: RegenerateCreate
    ) -> _Draft:
        message = await self._chats.find_message(user_id, message_id)
        # An answer has a parent, its question.
        is_answer = message.role == "assistant"
        question_id = (message.parent_id if is_answer else None) or message.id
        chat = await self._chats.get_session(user_id, message.session_id)
        content, parent_id, asked = (
            await self._session.execute(
                select(Message.content, Message.parent_id, Message.request).where(
                    Message.id == question_id
                )
            )
        ).one()
        request = QueryCreate.model_validate({**(asked or {}), "query": content})
        changes = {name: getattr(change, name) for name in change.model_fields_set}
        changed = request.model_copy(update=changes)
        return _Draft(
            changed, chat.id, parent_id, chat.system_prompt, is_stored=True, question_id=question_id
        )

    async def _store(
        self, asker: Asker, draft: _Draft, model: ChatModel, message_id: UUID
    ) -> Question:
        """Store the question and an empty answer, in the named chat or in a new one."""
        session_id = draft.session_id or new_id()
        owner = {"session_id": session_id, "user_id": asker.user_id, **_UNWRITTEN}
        answer = {"id": message_id, "parent_id": draft.question_id, "model": model.name, **_ANSWER}
        asked = [answer] if draft.is_stored else [_make_question(draft), answer]
        rows = {"rows": to_jsonable_python([row | owner for row in asked])}
        history: list[ChatMessage] = []
        if draft.session_id is None:
            if asker.key is None:
                await begin_single(self._session)
            title = make_title(draft.request.query)
            chat = {"chat_id": session_id, "chat_user_id": asker.user_id, "chat_title": title}
            await self._session.execute(_ADD_CHAT, rows | chat)
        else:
            await self._chats.lock_session(asker.user_id, session_id)
            most = self._settings.history_messages
            history = await load_history(self._session, draft.parent_id, most)
            await self._session.execute(_ADD_MESSAGES, rows)
        return Question(
            user_id=asker.user_id,
            session_id=session_id,
            user_message_id=draft.question_id,
            message_id=message_id,
            request=draft.request,
            system_prompt=draft.system_prompt,
            model=model,
            history=history,
            request_id=asker.request_id,
        )

    async def _find_known(self, asker: Asker, fingerprint: str) -> UUID | None:
        if asker.key is None:
            return None
        known = await self._session.get(IdempotencyKey, (asker.user_id, asker.key))
        if known is None:
            return None
        if known.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError
        await release(self._session)
        return known.message_id

    async def _claim(self, asker: Asker, fingerprint: str, message_id: UUID) -> bool:
        """Take the key; while another request has taken it but not committed, this waits."""
        claimed = await self._session.scalar(
            insert(IdempotencyKey)
            .values(
                user_id=asker.user_id,
                key=asker.key,
                fingerprint=fingerprint,
                message_id=message_id,
            )
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        )
        return claimed is not None


def _make_question(draft: _Draft) -> dict[str, Any]:
    place = {"query", "session_id", "parent_message_id"}
    return {
        "id": draft.question_id,
        "parent_id": draft.parent_id,
        "role": "user",
        "status": "completed",
        "content": draft.request.query,
        "model": None,
        "request": draft.request.model_dump(mode="json", exclude=place, exclude_defaults=True),
        "completed_at": utc_now(),
    }


def _settle(request: QueryCreate, chat: ChatSession) -> QueryCreate:
    """Fill in what the question leaves open with what the chat has settled."""
    has_scope = request.document_ids is not None or request.tags is not None
    options = ChatOptions.model_validate(chat.options) if chat.options else None
    return request.model_copy(
        update={
            "model": request.model or chat.model,
            "options": request.options or options,
            "document_ids": request.document_ids if has_scope else chat.document_ids,
            "tags": request.tags if has_scope else chat.tags,
        }
    )


def _make_fingerprint(operation: str, body: str) -> str:
    return hashlib.sha256(f"{operation} {body}".encode()).hexdigest()
