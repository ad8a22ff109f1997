"""The turns of the users, step by step: nothing here waits for a clock."""

import asyncio
from dataclasses import dataclass, field

import pytest

from src.llm.admission import ModelQueue, Priority
from src.llm.exceptions import LLMBusyError


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@dataclass
class Crowd:
    """Requests that hold their place until they are told to go."""

    queue: ModelQueue
    running: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    positions: dict[str, list[int]] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ends: dict[str, asyncio.Event] = field(default_factory=dict)

    async def ask(self, name: str, priority: Priority = Priority.INTERACTIVE) -> None:
        """The first letter of the name is the user."""
        self.ends[name] = asyncio.Event()
        self.positions[name] = []
        self.tasks[name] = asyncio.create_task(self._run(name, priority))
        await settle()

    async def _run(self, name: str, priority: Priority) -> None:
        async with self.queue.admit(name[0], priority, self.positions[name].append):
            self.running.append(name)
            self.served.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.running.remove(name)

    async def finish(self, name: str) -> None:
        self.ends[name].set()
        await settle()

    async def leave(self, name: str) -> None:
        self.tasks[name].cancel()
        await settle()

    async def finish_all(self) -> None:
        while self.running:
            await self.finish(self.running[0])


def make_crowd(places: int = 1, max_waiting: int = 100, per_user: int = 100) -> Crowd:
    return Crowd(ModelQueue(lambda: places, max_waiting, per_user))


async def test_as_many_run_at_once_as_there_are_places() -> None:
    crowd = make_crowd(places=2)
    for name in ("a1", "b1", "c1"):
        await crowd.ask(name)
    assert crowd.running == ["a1", "b1"]
    await crowd.finish("a1")
    assert crowd.running == ["b1", "c1"]
    await crowd.finish_all()
    assert (crowd.queue.running, crowd.queue.waiting) == (0, 0)


async def test_a_single_question_waits_for_no_burst() -> None:
    crowd = make_crowd()
    for number in range(50):
        await crowd.ask(f"a{number}")
    await crowd.ask("b1")
    await crowd.finish_all()
    assert crowd.served.index("b1") == 1
    assert len(crowd.served) == 51


async def test_users_take_turns_and_keep_their_own_order() -> None:
    crowd = make_crowd()
    for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
        await crowd.ask(name)
    await crowd.finish_all()
    assert crowd.served == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


async def test_a_user_who_always_comes_back_starves_nobody() -> None:
    crowd = make_crowd()
    for name in ("a1", "a2", "a3", "b1", "c1"):
        await crowd.ask(name)
    for number in range(2, 12):
        await crowd.finish(crowd.running[0])
        await crowd.ask(f"b{number}")
        await crowd.ask(f"c{number}")
    assert crowd.served.index("a2") <= 4
    assert crowd.served.index("a3") <= 8
    await crowd.finish_all()


async def test_a_cancelled_burst_does_not_count_against_its_user() -> None:
    crowd = make_crowd()
    for name in ("b0", "a1", "a2", "a3", "a4"):
        await crowd.ask(name)
    for name in ("a1", "a2", "a3", "a4"):
        await crowd.leave(name)
    for name in ("b1", "b2", "a5"):
        await crowd.ask(name)
    await crowd.finish_all()
    assert crowd.served == ["b0", "a5", "b1", "b2"]


async def test_whoever_leaves_the_queue_is_gone_at_once() -> None:
    crowd = make_crowd()
    for name in ("a1", "b1", "c1"):
        await crowd.ask(name)
    await crowd.leave("b1")
    assert crowd.queue.waiting == 1
    assert crowd.positions["c1"] == [2, 1]
    await crowd.finish_all()
    assert crowd.served == ["a1", "c1"]


async def test_a_place_given_to_someone_who_just_left_goes_on() -> None:
    crowd = make_crowd()
    for name in ("a1", "b1", "c1"):
        await crowd.ask(name)
    crowd.ends["a1"].set()
    while crowd.queue.waiting == 2:
        await asyncio.sleep(0)
    crowd.tasks["b1"].cancel()
    await settle()
    assert crowd.running == ["c1"]
    await crowd.finish_all()
    assert (crowd.queue.running, crowd.queue.waiting) == (0, 0)


async def test_who_is_about_to_leave_is_given_no_place() -> None:
    """Cancelled, and not run since, when a place becomes free."""
    crowd = make_crowd()
    for name in ("a1", "b1", "c1"):
        await crowd.ask(name)
    crowd.tasks["a1"].cancel()
    crowd.tasks["b1"].cancel()
    await settle()
    assert crowd.running == ["c1"]
    await crowd.finish_all()
    assert (crowd.queue.running, crowd.queue.waiting) == (0, 0)
    assert crowd.tasks["b1"].cancelled()


async def test_a_place_is_free_again_when_its_holder_is_cancelled() -> None:
    crowd = make_crowd()
    for name in ("a1", "b1"):
        await crowd.ask(name)
    await crowd.leave("a1")
    assert crowd.running == ["b1"]
    await crowd.finish_all()


async def test_positions_are_told_as_they_change() -> None:
    crowd = make_crowd()
    for name in ("a1", "a2", "a3", "b1"):
        await crowd.ask(name)
    assert crowd.positions == {"a1": [], "a2": [1, 2], "a3": [2, 3], "b1": [1]}
    await crowd.finish("a1")
    assert crowd.positions["a2"] == [1, 2, 1]
    await crowd.finish_all()


async def test_what_is_urgent_goes_before_the_background() -> None:
    crowd = make_crowd()
    await crowd.ask("a1", priority=Priority.BACKGROUND)
    for number in range(2, 5):
        await crowd.ask(f"a{number}", priority=Priority.BACKGROUND)
    await crowd.ask("b1")
    assert crowd.positions["b1"] == [1]
    await crowd.finish_all()
    assert crowd.served == ["a1", "b1", "a2", "a3", "a4"]


async def test_a_full_queue_says_so() -> None:
    crowd = make_crowd(max_waiting=1)
    for name in ("a1", "b1"):
        await crowd.ask(name)
    with pytest.raises(LLMBusyError) as refused:
        crowd.queue.check_room("c")
    assert (refused.value.status, refused.value.retry_after_seconds) == (503, 5)
    await crowd.ask("c1")
    assert isinstance(crowd.tasks["c1"].exception(), LLMBusyError)
    await crowd.finish_all()


async def test_one_user_cannot_fill_the_queue() -> None:
    crowd = make_crowd(max_waiting=10, per_user=2)
    for name in ("a1", "a2", "a3"):
        await crowd.ask(name)
    with pytest.raises(LLMBusyError):
        crowd.queue.check_room("a")
    crowd.queue.check_room("b")
    await crowd.finish_all()


async def test_without_a_queue_a_free_place_is_still_given() -> None:
    crowd = make_crowd(max_waiting=0)
    await crowd.ask("a1")
    assert crowd.running == ["a1"]
    await crowd.finish_all()


async def test_the_background_leaves_one_place_free() -> None:
    crowd = make_crowd(places=2)
    for name in ("a1", "a2"):
        await crowd.ask(name, priority=Priority.BACKGROUND)
    assert crowd.running == ["a1"]
    await crowd.ask("b1")
    assert crowd.running == ["a1", "b1"]
    await crowd.finish_all()
    assert crowd.served == ["a1", "b1", "a2"]
