"""What crosses the WebSocket of chat: commands one way, events and refusals the other."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from src.chat.events import StreamEvent
from src.chat.live import ENDED
from src.chat.schemas import QueryCreate
from src.schemas import InputSchema, Problem, Schema

Ref = Annotated[str, Field(min_length=1, max_length=100, description="Your name for this command.")]


class Authenticate(InputSchema):
    """The first frame, unless the token came as a subprotocol."""

    type: Literal["authenticate"]
    token: Annotated[str, Field(min_length=1, max_length=4000)]


class Ask(InputSchema):
    type: Literal["ask"]
    ref: Ref
    query: QueryCreate
    idempotency_key: Annotated[str | None, Field(min_length=1, max_length=255)] = None


class Resume(InputSchema):
    type: Literal["resume"]
    ref: Ref
    message_id: UUID
    cursor: Annotated[int | None, Field(ge=0, le=ENDED)] = None


class Stop(InputSchema):
    type: Literal["stop"]
    ref: Ref
    message_id: UUID


class Ping(InputSchema):
    type: Literal["ping"]


Command = Ask | Resume | Stop | Ping
read_command: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])


class Ready(Schema):
    type: Literal["ready"] = "ready"


class Pong(Schema):
    type: Literal["pong"] = "pong"


class EventFrame(Schema):
    """An event of the answer that the command `ref` asked for, or wanted to follow."""

    type: Literal["event"] = "event"
    ref: str
    cursor: int
    event: StreamEvent


class Stopped(Schema):
    type: Literal["stopped"] = "stopped"
    ref: str


class Refused(Schema):
    """The command `ref` was not carried out; the connection goes on."""

    type: Literal["refused"] = "refused"
    ref: str
    problem: Problem


Frame = Ready | Pong | EventFrame | Stopped | Refused
