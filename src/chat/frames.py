"""What crosses the WebSocket of chat: commands one way, events and refusals the other."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter
from typing_extensions import TypeAliasType

from src.chat.events import StreamEvent
from src.chat.live import ENDED
from src.chat.schemas import QueryCreate
from src.schemas import InputSchema, Problem, Schema

Ref = Annotated[str, Field(min_length=1, max_length=100, description="Your name for this command.")]


class AuthenticateCommand(InputSchema):
    """The first frame, unless the token came as a subprotocol."""

    type: Literal["authenticate"]
    token: Annotated[str, Field(min_length=1, max_length=4000)]


class AskCommand(InputSchema):
    type: Literal["ask"]
    ref: Ref
    query: QueryCreate
    idempotency_key: Annotated[str | None, Field(min_length=1, max_length=255)] = None


class ResumeCommand(InputSchema):
    type: Literal["resume"]
    ref: Ref
    message_id: UUID
    cursor: Annotated[int | None, Field(ge=0, le=ENDED)] = None


class StopCommand(InputSchema):
    type: Literal["stop"]
    ref: Ref
    message_id: UUID


class PingCommand(InputSchema):
    type: Literal["ping"]


Command = AskCommand | ResumeCommand | StopCommand | PingCommand
read_command: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])
SocketCommand = TypeAliasType(
    "SocketCommand", Annotated[AuthenticateCommand | Command, Field(discriminator="type")]
)


class ReadyFrame(Schema):
    type: Literal["ready"] = "ready"


class PongFrame(Schema):
    type: Literal["pong"] = "pong"


class EventFrame(Schema):
    """An event of the answer that the command `ref` asked for, or wanted to follow."""

    type: Literal["event"] = "event"
    ref: str
    cursor: int
    event: StreamEvent


class StoppedFrame(Schema):
    type: Literal["stopped"] = "stopped"
    ref: str


class RefusedFrame(Schema):
    """The command `ref` was not carried out; the connection goes on."""

    type: Literal["refused"] = "refused"
    ref: str
    problem: Problem


SocketFrame = TypeAliasType(
    "SocketFrame",
    Annotated[
        ReadyFrame | PongFrame | EventFrame | StoppedFrame | RefusedFrame,
        Field(discriminator="type"),
    ],
)
