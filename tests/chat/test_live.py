import asyncio
from contextlib import aclosing
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.chat.events import AnswerDelta, MessageStarted, Sources, StreamEvent, ThinkingDelta
from src.chat.live import LiveAnswer, Positioned
from src.exceptions import AppError

pieces = st.lists(
    st.tuples(st.sampled_from(["thinking.delta", "answer.delta"]), st.text(max_size=6)), max_size=20
)


def make_live() -> LiveAnswer:
    return LiveAnswer(
        MessageStarted(
            session_id=uuid4(), user_message_id=uuid4(), message_id=uuid4(), model="a model"
        )
    )


def add(live: LiveAnswer, kind: str, text: str) -> None:
    (live.add_thinking if kind == "thinking.delta" else live.add_answer)(text)


async def read(live: LiveAnswer, cursor: int = -1, most: int | None = None) -> list[Positioned]:
    events = []
    async with aclosing(live.follow(cursor)) as following:
        async for positioned in following:
            assert positioned is not None
            events.append(positioned)
            if len(events) == most:
                break
    return events


def join(events: list[Positioned], kind: str) -> str:
    return "".join(
        positioned.event.text
        for positioned in events
        if isinstance(positioned.event, AnswerDelta | ThinkingDelta)
        if positioned.event.type == kind
    )


def kinds(events: list[Positioned]) -> list[str]:
    return [positioned.event.type for positioned in events]


@given(pieces, st.integers(0, 20), st.booleans(), st.integers(1, 6))
def test_a_reader_that_reconnects_gets_exactly_what_it_missed(
    written: list[tuple[str, str]], readable: int, has_sources: bool, seen: int
) -> None:
    async def run() -> None:
        live = make_live()
        if has_sources:
            live.add_sources(Sources(sources=[]))
        for kind, text in written[:readable]:
            add(live, kind, text)
        first = await read_available(live, seen)
        for kind, text in written[readable:]:
            add(live, kind, text)
        live.fail(AppError(), None)
        rest = await read(live, first[-1].cursor)
        together = first + rest
        for kind in ("thinking.delta", "answer.delta"):
            expected = "".join(text for other, text in written if other == kind)
            assert join(together, kind) == expected
        cursors = [positioned.cursor for positioned in together]
        assert cursors == sorted(set(cursors))
        assert kinds(together)[0] == "message.started"
        assert kinds(together)[-1] == "error"
        assert kinds(together).count("sources") == has_sources

    asyncio.run(run())


async def read_available(live: LiveAnswer, most: int) -> list[Positioned]:
    """Read up to so many events of those that are there already."""
    events: list[Positioned] = []
    async with aclosing(live.follow()) as following:
        while len(events) < most:
            try:
                async with asyncio.timeout(0.01):
                    positioned = await anext(following)
                    assert positioned is not None
                    events.append(positioned)
            except TimeoutError:
                break
    return events


@given(st.text(min_size=1, max_size=30), st.integers(0, 30))
def test_a_cursor_may_stand_inside_a_delta(text: str, cut: int) -> None:
    """Another process cut the text into other deltas."""

    async def run() -> None:
        live = make_live()
        live.add_answer(text)
        live.fail(AppError(), None)
        position = min(cut, len(text))
        assert join(await read(live, 1 + position), "answer.delta") == text[position:]

    asyncio.run(run())


async def test_a_reader_that_falls_behind_gets_one_longer_delta() -> None:
    live = make_live()
    following = live.follow()
    started = await anext(following)
    assert started is not None
    assert started.event.type == "message.started"
    for word in ("many", " small", " words"):
        live.add_answer(word)
    positioned = await anext(following)
    assert positioned is not None
    delta: StreamEvent = positioned.event
    assert delta.type == "answer.delta"
    assert delta.text == "many small words"
    await following.aclose()


async def test_waiting_for_a_failed_answer_raises_its_error() -> None:
    live = make_live()
    waiting = asyncio.create_task(live.wait())
    await asyncio.sleep(0)
    live.fail(AppError("as it was"), "r1")
    with pytest.raises(AppError, match="as it was"):
        await waiting
