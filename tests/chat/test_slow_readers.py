"""Readers that take a byte now and then, beside one that takes all: counted in bytes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import ClientConnection

from tests.chat.reading import ask_stream, follow
from tests.chat.scripted import Script
from tests.chat.test_socket import dial, get_address, receive, send
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import User, join_text, read_events

PIECE = "word " * 1000
PIECES = 200
# What asyncio takes before it asks to wait, and one event more.
MOST_WAITING = 64 * 1024 + 32 * 1024
SLOW = 5


def narrow(sockets: Iterable[socket.socket], option: int) -> None:
    """Let the system keep little, so that what is not read soon waits in the server."""
    for one in sockets:
        one.setsockopt(socket.SOL_SOCKET, option, 8192)


@asynccontextmanager
async def open_narrow(server: LoopbackServer) -> AsyncIterator[socket.socket]:
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    with socket.socket() as one:
        one.setblocking(False)  # noqa: FBT003, it takes nothing else
        narrow([one], socket.SO_RCVBUF)
        await asyncio.get_running_loop().sock_connect(one, (host, port))
        yield one


def count_waiting(server: LoopbackServer) -> int:
    """Return the bytes that wait in front of the slowest connection."""
    connections = server.server_state.connections
    return max(protocol.transport.get_write_buffer_size() for protocol in connections)


async def request_stream(one: socket.socket, user: User, message_id: str) -> None:
    lines = [
        f"GET /api/v1/chat/messages/{message_id}/stream HTTP/1.1",
        f"Host: {user.http.base_url.host}",
        f"Authorization: Bearer {user.token}",
        "Connection: close",
    ]
    head = "\r\n".join([*lines, "", ""]).encode()
    await asyncio.get_running_loop().sock_sendall(one, head)


async def open_frames(one: socket.socket, server: LoopbackServer, user: User) -> ClientConnection:
    """Authenticate, then take frames only when asked: the library keeps none but the next."""
    address = get_address(server)
    connection = await dial(address, sock=one, max_queue=1, max_size=None, ping_interval=None)
    await send(connection, type="authenticate", token=user.token)
    assert await receive(connection) == {"type": "ready"}
    return connection


async def test_slow_readers_cost_the_others_nothing_and_the_server_little(
    scripted_server: LoopbackServer, asker: User, script: Script
) -> None:
    script.say("Now ", *[PIECE] * PIECES)
    script.gate.clear()
    narrow((one for s in scripted_server.servers for one in s.sockets), socket.SO_SNDBUF)
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack, asyncio.timeout(120):
        fast = await stack.enter_async_context(ask_stream(asker))
        events = follow(fast)
        message_id = (await anext(events)).data["message_id"]
        streams = [
            await stack.enter_async_context(open_narrow(scripted_server)) for _ in range(SLOW)
        ]
        for one in streams:
            await request_stream(one, asker, message_id)
        narrow_socket = await stack.enter_async_context(open_narrow(scripted_server))
        frames = await open_frames(narrow_socket, scripted_server, asker)
        await send(frames, type="resume", ref="r", message_id=message_id)
        received = [bytearray() for _ in streams]
        told, most = 0, 0
        async for event in events:
            told += len(event.data["text"])
            most = max(most, count_waiting(scripted_server))
            for one, bytes_ in zip(streams, received, strict=True):
                bytes_.extend(await loop.sock_recv(one, 1))
            if told == len(PIECE) * PIECES + len("Now "):
                break
        assert told > 8 * MOST_WAITING
        assert most < MOST_WAITING
        assert all(len(bytes_) < 10_000 for bytes_ in received)
        script.gate.set()
        await check_rest(streams[0], received[0], told)
        assert await read_frames(frames) == told
        await frames.close()


async def check_rest(one: socket.socket, received: bytearray, told: int) -> None:
    """What was slow gets everything all the same."""
    while data := await asyncio.get_running_loop().sock_recv(one, 65536):
        received += data
    _, _, body = bytes(received).partition(b"\r\n\r\n")
    events = read_events(decode_chunks(body).decode())
    assert len(join_text(events)) == told
    assert events[-1].type == "message.completed"


def decode_chunks(body: bytes) -> bytes:
    """Undo the chunked encoding of HTTP/1.1."""
    decoded = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        decoded, body = decoded + rest[:length], rest[length + 2 :]
    return decoded


async def read_frames(frames: ClientConnection) -> int:
    told = 0
    async for text in frames:
        event = json.loads(text)["event"]
        told += len(event.get("text", ""))
        if event["type"] == "message.completed":
            break
    return told
