"""Many questions, answers and stops over one WebSocket.

It closes with 1009 for a frame that is too large, 4400 for one that is no command, 4401 when the
token is not valid (any more), 4408 when none came in time, and 4429 for too many frames.
"""

import asyncio
import contextlib
import time
from contextlib import aclosing
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Depends, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from src.chat.dependencies import SocketServices, get_socket_services
from src.chat.exceptions import TooManyStreamsError
from src.chat.following import Answer
from src.chat.frames import (
    AskCommand,
    AuthenticateCommand,
    Command,
    EventFrame,
    PingCommand,
    PongFrame,
    ReadyFrame,
    RefusedFrame,
    ResumeCommand,
    SocketFrame,
    StopCommand,
    StoppedFrame,
    read_command,
)
from src.chat.live import BEFORE_START
from src.config import Settings
from src.exceptions import AppError, UnauthenticatedError
from src.routes import API_PREFIX, ModuleRouter
from src.schemas import Problem

router = ModuleRouter(prefix=f"{API_PREFIX}/chat", tags=["chat"])

_TOO_LARGE: Final = 1009
_MALFORMED: Final = 4400
_UNAUTHENTICATED: Final = 4401
_TOO_LATE: Final = 4408
_TOO_MANY: Final = 4429
_SUBPROTOCOL: Final = "colloquy"
_TOKEN_PREFIX: Final = "token."  # noqa: S105, what stands before a token
_MOST_CHARACTERS: Final = 1024 * 1024
_MOST_STREAMS: Final = 32
_FRAMES_PER_SECOND: Final = 20.0
_BURST: Final = 40.0


class _ClosingError(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


class _FrameRate:
    """A bucket of frames that fills up again steadily."""

    def __init__(self) -> None:
        self._left = _BURST
        self._at = time.monotonic()

    def take(self) -> None:
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * _FRAMES_PER_SECOND, _BURST) - 1
        self._at = now
        if self._left < 0:
            raise _ClosingError(_TOO_MANY)


class ChatSocket:
    """One connection. Every answer is followed by a task; a slow client slows only those."""

    def __init__(self, socket: WebSocket, services: SocketServices) -> None:
        self._socket = socket
        self._services = services
        self._token = ""
        self._rate = _FrameRate()
        self._streams: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        checking: asyncio.Task[None] | None = None
        try:
            await self._open()
            checking = asyncio.create_task(self._keep_checking())
            await self._listen()
        except _ClosingError as closing:
            await self._close(closing.code)
        except (WebSocketDisconnect, RuntimeError):
            pass  # It is gone; the answers go on without it.
        finally:
            tasks = [*self._streams, *([checking] if checking else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _open(self) -> None:
        """Take the token from the subprotocols, where a browser can put it, or the first frame."""
        offered: list[str] = self._socket.scope.get("subprotocols", [])
        await self._socket.accept(_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
        tokens = [name for name in offered if name.startswith(_TOKEN_PREFIX)]
        self._token = tokens[0].removeprefix(_TOKEN_PREFIX) if tokens else await self._wait()
        await self._authenticate()
        await self._send(ReadyFrame())

    async def _wait(self) -> str:
        try:
            async with asyncio.timeout(self._services.settings.socket_login_seconds):
                text = await self._receive()
        except TimeoutError as exc:
            raise _ClosingError(_TOO_LATE) from exc
        try:
            return AuthenticateCommand.model_validate_json(text).token
        except ValidationError as exc:
            raise _ClosingError(_UNAUTHENTICATED) from exc

    async def _authenticate(self) -> UUID:
        try:
            return await self._services.authenticate(self._token)
        except UnauthenticatedError as exc:
            raise _ClosingError(_UNAUTHENTICATED) from exc

    async def _keep_checking(self) -> None:
        """Close the connection when the token expires or is revoked while nothing is asked."""
        while True:
            await asyncio.sleep(self._services.settings.ping_seconds)
            try:
                await self._authenticate()
            except _ClosingError as closing:
                return await self._close(closing.code)
            except AppError:
                continue  # The database is away: ask again later.

    async def _listen(self) -> None:
        while True:
            text = await self._receive()
            try:
                command = read_command.validate_json(text)
            except ValidationError as exc:
                raise _ClosingError(_MALFORMED) from exc
            if isinstance(command, PingCommand):
                await self._send(PongFrame())
                continue
            user_id = await self._authenticate()
            stream = asyncio.create_task(self._carry_out(user_id, command))
            self._streams.add(stream)
            stream.add_done_callback(self._streams.discard)

    async def _carry_out(
        self, user_id: UUID, command: AskCommand | ResumeCommand | StopCommand
    ) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            try:
                if len(self._streams) > _MOST_STREAMS:
                    raise TooManyStreamsError
                await self._dispatch(user_id, command)
            except AppError as error:
                problem = Problem.from_error(error, None)
                await self._send(RefusedFrame(ref=command.ref, problem=problem))

    async def _dispatch(self, user_id: UUID, command: Command) -> None:
        match command:
            case AskCommand(ref=ref, query=query, idempotency_key=key):
                await self._follow(ref, await self._services.ask(user_id, query, key))
            case ResumeCommand(ref=ref, message_id=message_id, cursor=cursor):
                answer = await self._services.open(user_id, message_id)
                await self._follow(ref, answer, BEFORE_START if cursor is None else cursor)
            case StopCommand(ref=ref, message_id=message_id):
                await self._services.stop(user_id, message_id)
                await self._send(StoppedFrame(ref=ref))

    async def _follow(self, ref: str, answer: Answer, cursor: int = BEFORE_START) -> None:
        async with aclosing(answer.follow(cursor)) as events:
            async for position, event in events:
                await self._send(EventFrame(ref=ref, cursor=position, event=event))

    async def _receive(self) -> str:
        text = await self._socket.receive_text()
        self._rate.take()
        if len(text) > _MOST_CHARACTERS:
            raise _ClosingError(_TOO_LARGE)
        return text

    async def _send(self, frame: SocketFrame) -> None:
        await self._socket.send_text(frame.model_dump_json())

    async def _close(self, code: int) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(code)


@router.websocket("/ws")
async def open_socket(
    socket: WebSocket, services: Annotated[SocketServices, Depends(get_socket_services)]
) -> None:
    if not _is_own_origin(socket):
        await socket.close()  # Before it is accepted: a plain 403.
        return
    await ChatSocket(socket, services).run()


def _is_own_origin(socket: WebSocket) -> bool:
    """Refuse pages of other sites. Programs that are no browsers send no origin."""
    settings: Settings = socket.state.settings
    origin = socket.headers.get("origin")
    is_ours = origin is None or urlsplit(origin).netloc == socket.headers.get("host")
    return is_ours or origin in settings.cors_origins
