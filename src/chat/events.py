"""The events of an answer's stream: the same for every way of following one."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from src.chat.schemas import MessageRead, SourceRead
from src.schemas import Problem, Schema


class MessageStarted(Schema):
    """The question is stored and an answer is on its way."""

    type: Literal["message.started"] = "message.started"
    session_id: UUID
    user_message_id: UUID
    message_id: UUID
    model: str


class Queued(Schema):
    """The answer waits for its turn; `position` 1 is next. Its event has no id."""

    type: Literal["queued"] = "queued"
    position: int


class Sources(Schema):
    """The passages that the model gets to see, before its first word.

    They come once more, and are fewer, when the model finds the first prompt too long.
    """

    type: Literal["sources"] = "sources"
    sources: list[SourceRead]


class ThinkingDelta(Schema):
    type: Literal["thinking.delta"] = "thinking.delta"
    text: str


class AnswerDelta(Schema):
    type: Literal["answer.delta"] = "answer.delta"
    text: str


class MessageCompleted(Schema):
    """The end of a stream: the message as it is stored."""

    type: Literal["message.completed"] = "message.completed"
    message: MessageRead


class StreamError(Schema):
    """The other end of a stream: no more will come. What was generated is stored."""

    type: Literal["error"] = "error"
    problem: Problem


Delta = ThinkingDelta | AnswerDelta
StreamEvent = TypeAliasType(
    "StreamEvent",
    Annotated[
        MessageStarted
        | Queued
        | Sources
        | ThinkingDelta
        | AnswerDelta
        | MessageCompleted
        | StreamError,
        Field(discriminator="type"),
    ],
)
