import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.typing import Origin, Subprotocol

from src.config import Settings
from src.database import create_engine, create_sessions
from src.main import create_app
from tests.chat.conftest import rehouse
from tests.chat.reading import NO_DOCUMENTS, ask_stream, read_some, start, wait_for
from tests.chat.scripted import Script
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, User

dial = partial(connect, proxy=None, open_timeout=60)


def get_address(server: LoopbackServer) -> str:
    return f"{server.api_url.replace('http', 'ws', 1)}/chat/ws"


async def send(socket: ClientConnection, **frame: object) -> None:
    await socket.send(json.dumps(frame))


async def receive(socket: ClientConnection) -> JSON:
    async with asyncio.timeout(60):
        frame: JSON = json.loads(await socket.recv())
        return frame


@asynccontextmanager
async def open_socket(server: LoopbackServer, token: str) -> AsyncIterator[ClientConnection]:
    async with dial(get_address(server)) as socket:
        await send(socket, type="authenticate", token=token)
        assert await receive(socket) == {"type": "ready"}
        yield socket


async def ask(socket: ClientConnection, ref: str, **body: object) -> None:
    await send(socket, type="ask", ref=ref, query={"query": "Well?", **NO_DOCUMENTS, **body})


async def read_to_end(socket: ClientConnection, *refs: str) -> dict[str, list[JSON]]:
    """Read the event frames of commands until each of them has had its end."""
    events: dict[str, list[JSON]] = {ref: [] for ref in refs}
    waiting = set(refs)
    while waiting:
        frame = await receive(socket)
        assert frame["type"] == "event", frame
        events[frame["ref"]].append(frame)
        if frame["event"]["type"] in ("message.completed", "error"):
            waiting.discard(frame["ref"])
    return events


async def wait_for_close(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(60):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in socket:
                pass
    return socket.close_code


async def test_many_questions_on_one_connection(
    scripted_server: LoopbackServer, asker: User, script: Script
) -> None:
    script.say("One", " two", thinking=("Hm",))
    async with open_socket(scripted_server, asker.token) as socket:
        for ref in ("a", "b"):
            await ask(socket, ref)
        events = await read_to_end(socket, "a", "b")
    for frames in events.values():
        kinds = [frame["event"]["type"] for frame in frames]
        assert (kinds[0], kinds[-1]) == ("message.started", "message.completed")
        said = "".join(f["event"]["text"] for f in frames if f["event"]["type"] == "answer.delta")
        assert said == "One two"
        cursors = [frame["cursor"] for frame in frames]
        assert cursors == sorted(set(cursors))


async def test_a_stream_goes_on_over_a_socket_of_another_process(
    asker: User, other_server: LoopbackServer, script: Script
) -> None:
    script.say("One", " two")
    script.gate.clear()
    async with ask_stream(asker) as response:
        first = await read_some(response, 2)
    message_id = first[0].data["message_id"]
    async with open_socket(other_server, asker.token) as socket:
        cursor = int(first[-1].id)
        await send(socket, type="resume", ref="r", message_id=message_id, cursor=cursor)
        script.gate.set()
        frames = (await read_to_end(socket, "r"))["r"]
    message = frames[-1]["event"]["message"]
    told = [event.data for event in first[1:]] + [frame["event"] for frame in frames[:-1]]
    assert "".join(event["text"] for event in told) == message["content"] == "One two"


async def test_an_answer_is_stopped_while_another_goes_on(
    scripted_server: LoopbackServer, asker: User, script: Script
) -> None:
    script.gate.clear()
    async with open_socket(scripted_server, asker.token) as socket:
        await ask(socket, "a")
        await ask(socket, "b")
        started: JSON = {}
        while len(started) < 2:
            frame = await receive(socket)
            if frame["event"]["type"] == "message.started":
                started[frame["ref"]] = frame["event"]["message_id"]
        await send(socket, type="stop", ref="s", message_id=started["a"])
        while (await receive(socket))["type"] != "stopped":
            pass
        stopped, going_on = [
            (await asker.http.get(f"/chat/messages/{started[ref]}")).json()["status"]
            for ref in ("a", "b")
        ]
        assert (stopped, going_on) == ("stopped", "streaming")


async def test_leaving_stops_nothing(
    scripted_server: LoopbackServer, asker: User, script: Script
) -> None:
    script.gate.clear()
    async with open_socket(scripted_server, asker.token) as socket:
        await ask(socket, "a")
        message_id = (await receive(socket))["event"]["message_id"]
    script.gate.set()
    await wait_for(asker, message_id, status="completed")


async def test_what_belongs_to_others_is_not_there(
    scripted_server: LoopbackServer, asker: User, user: User
) -> None:
    started = await start(asker)
    theirs = started["message_id"]
    async with open_socket(scripted_server, user.token) as socket:
        for message_id in (theirs, str(uuid4())):
            for kind in ("resume", "stop"):
                await send(socket, type=kind, ref="r", message_id=message_id)
                refused = await receive(socket)
                assert refused["type"] == "refused"
                assert refused["problem"]["code"] == "message_not_found"
        await ask(socket, "q", session_id=started["session_id"])
        assert (await receive(socket))["problem"]["code"] == "chat_session_not_found"
        await ask(socket, "q", parent_message_id=theirs)
        assert (await receive(socket))["problem"]["code"] == "message_not_found"
        await send(socket, type="ping")
        assert await receive(socket) == {"type": "pong"}


async def test_a_token_may_come_as_a_subprotocol(
    scripted_server: LoopbackServer, asker: User
) -> None:
    offered = [Subprotocol("colloquy"), Subprotocol(f"token.{asker.token}")]
    address = get_address(scripted_server)
    async with dial(address, subprotocols=offered) as socket:
        assert socket.subprotocol == "colloquy"
        assert await receive(socket) == {"type": "ready"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "authenticate", "token": "x"}, 4401),
        ({"type": "ping"}, 4401),
        ({"type": "authenticate", "token": "x" * 2**21}, 1009),
    ],
)
async def test_strangers_are_turned_away(
    scripted_server: LoopbackServer, frame: JSON, code: int
) -> None:
    async with dial(get_address(scripted_server)) as socket:
        await send(socket, **frame)
        assert await wait_for_close(socket) == code


async def test_who_says_nothing_is_turned_away(scripted_settings: Settings) -> None:
    chat = scripted_settings.chat.model_copy(update={"socket_login_seconds": 0.2})
    settings = rehouse(scripted_settings.model_copy(update={"chat": chat}), "hasty")
    async with run_server(create_app(settings)) as server, dial(get_address(server)) as socket:
        assert await wait_for_close(socket) == 4408


async def test_a_revoked_token_closes_the_connection(
    scripted_server: LoopbackServer, asker: User, settings: Settings
) -> None:
    async with open_socket(scripted_server, asker.token) as socket:
        assert settings.database.url is not None
        engine = create_engine(settings.database.url.get_secret_value(), settings.database)
        async with create_sessions(engine).begin() as session:
            statement = text("UPDATE users SET is_active = false WHERE id = CAST(:id AS uuid)")
            await session.execute(statement, {"id": asker.id})
        await engine.dispose()
        assert await wait_for_close(socket) == 4401


@pytest.mark.parametrize("sent", ["", "{", "[]", '{"type":"shout"}', '{"type":"stop","ref":"x"}'])
async def test_what_is_no_command_closes_the_connection(
    scripted_server: LoopbackServer, asker: User, sent: str
) -> None:
    async with open_socket(scripted_server, asker.token) as socket:
        await socket.send(sent)
        assert await wait_for_close(socket) == 4400


async def test_too_many_frames_close_the_connection(
    scripted_server: LoopbackServer, asker: User
) -> None:
    async with open_socket(scripted_server, asker.token) as socket:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(2000):  # A slow server lets through some in each second.
                await send(socket, type="ping")
        assert await wait_for_close(socket) == 4429


async def test_pages_of_other_sites_are_refused(scripted_server: LoopbackServer) -> None:
    address = get_address(scripted_server)
    with pytest.raises(InvalidStatus) as refused:
        async with dial(address, origin=Origin("https://evil.example")):
            pass
    assert refused.value.response.status_code == 403
    async with dial(address, origin=Origin(scripted_server.url)):
        pass
