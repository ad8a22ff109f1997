"""Clients that lose their connection again and again, and come back by another way each time."""

import json

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chat.reading import ask_stream, read_some, resume
from tests.chat.scripted import Script
from tests.chat.test_socket import open_socket, receive, send
from tests.fixtures.servers import LoopbackServer
from tests.fixtures.users import Event, User, join_text

WORDS = [f" wörd{n}" for n in range(40)]

cuts = st.lists(
    st.tuples(st.sampled_from(["sse", "socket"]), st.booleans(), st.integers(1, 8)), max_size=6
)


async def resume_over_socket(
    server: LoopbackServer, token: str, message_id: str, last: str, most: int
) -> list[Event]:
    events: list[Event] = []
    async with open_socket(server, token) as socket:
        await send(socket, type="resume", ref="r", message_id=message_id, cursor=int(last))
        while len(events) < most:
            frame = await receive(socket)
            event = frame["event"]
            events.append(Event(str(frame["cursor"]), event["type"], event))
            if event["type"] == "message.completed":
                break
    return events


def speak_slowly(script: Script) -> None:
    script.pieces = [("Hm", ""), *(("", word) for word in WORDS[:20]), ("So", "")]
    script.pieces += [("", word) for word in WORDS[20:]]
    script.delay_seconds = 0.003


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(1, 8), cuts)
async def test_whatever_is_cut_nothing_is_lost_or_told_twice(
    asker: User,
    elsewhere: httpx.AsyncClient,
    scripted_server: LoopbackServer,
    other_server: LoopbackServer,
    script: Script,
    first: int,
    ways: list[tuple[str, bool, int]],
) -> None:
    speak_slowly(script)
    async with ask_stream(asker) as response:
        events = await read_some(response, first)
    message_id = events[0].data["message_id"]
    for way, is_elsewhere, most in [*ways, ("sse", True, 1000)]:
        last = events[-1].id
        if events[-1].type == "message.completed":
            break
        if way == "sse":
            http = elsewhere if is_elsewhere else asker.http
            events += await resume(http, message_id, last, most)
        else:
            server = other_server if is_elsewhere else scripted_server
            events += await resume_over_socket(server, asker.token, message_id, last, most)
    kinds = [event.type for event in events]
    assert kinds.count("message.started") == kinds.count("message.completed") == 1
    message = events[-1].data["message"]
    assert join_text(events) == message["content"] == "".join(WORDS)
    assert join_text(events, "thinking.delta") == message["thinking"] == "HmSo"
    stored = (await asker.http.get(f"/chat/messages/{message_id}")).json()
    assert stored == message


async def test_a_reader_that_stalls_holds_up_nobody(asker: User, script: Script) -> None:
    """One client reads nothing at all while the others read a long answer to its end."""
    script.pieces = [("", "word " * 200)] * 500
    async with ask_stream(asker) as stalled:
        message_id = (await read_first(stalled))["message_id"]
        for _ in range(3):
            events = await resume(asker.http, message_id, None)
            assert len(events[-1].data["message"]["content"]) == 500 * 1000


async def read_first(response: httpx.Response) -> dict[str, str]:
    """Read no further than the first event, and keep the connection."""
    async for line in response.aiter_lines():
        if line.startswith("data: "):
            started: dict[str, str] = json.loads(line.removeprefix("data: "))
            return started
    raise AssertionError("no event")
