"""What is asked for at the same moment is done in one go: a statement or a request for many."""

import asyncio
from bisect import insort
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@dataclass(order=True, slots=True)
class _Asked(Generic[ItemT, ResultT]):
    rank: int
    number: int
    item: ItemT = field(compare=False)
    result: asyncio.Future[ResultT] = field(compare=False)


class Combiner(Generic[KeyT, ItemT, ResultT]):
    """Does what can wait no longer, and with it what came meanwhile for the same key.

    `work` returns a result for each item, in their order. In company, it may leave some undone by
    returning None for them, or fail: then each is done alone, so that none fails with another.
    Those of a lower rank go first. A round that nobody waits for any more is cut.
    """

    def __init__(
        self,
        work: Callable[[KeyT, Sequence[ItemT]], Awaitable[Sequence[ResultT | None]]],
        *,
        most: int,
        rounds: int = 1,
        weigh: Callable[[ItemT], int] = lambda _: 1,
    ) -> None:
        """Do items that weigh at most so much in one round, in so many rounds per key at once."""
        self._work = work
        self._most = most
        self._rounds = rounds
        self._weigh = weigh
        self._numbers = count()
        self._waiting: dict[KeyT, list[_Asked[ItemT, ResultT]]] = {}
        self._running: Counter[KeyT] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, key: KeyT, item: ItemT, *, rank: int = 0) -> ResultT:
        result: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        asked = _Asked(rank, next(self._numbers), item, result)
        insort(self._waiting.setdefault(key, []), asked)
        self._start(key)
        return await result

    def _start(self, key: KeyT) -> None:
        """A task takes its items when it runs, and so all that were asked for until then."""
        if self._running[key] >= self._rounds:
            return
        self._running[key] += 1

        def go_on(_: asyncio.Task[None]) -> None:
            self._running[key] -= 1
            if key in self._waiting:
                self._start(key)
            elif not self._running[key]:
                del self._running[key]

        self._spawn(self._run(key)).add_done_callback(go_on)

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, key: KeyT) -> None:
        if taken := self._take(key):
            await self._do(key, taken)

    def _take(self, key: KeyT) -> list[_Asked[ItemT, ResultT]]:
        line = self._waiting.pop(key, [])
        taken: list[_Asked[ItemT, ResultT]] = []
        weight = 0
        while line and (not taken or weight + self._weigh(line[0].item) <= self._most):
            asked = line.pop(0)
            if not asked.result.done():  # Whoever asked may have gone.
                taken.append(asked)
                weight += self._weigh(asked.item)
        if line:
            self._waiting[key] = line
            self._start(key)
        return taken

    async def _do(self, key: KeyT, taken: Sequence[_Asked[ItemT, ResultT]]) -> None:
        _cut_when_left(asyncio.current_task(), taken)
        results: Sequence[ResultT | Exception | None]
        try:
            results = await self._work(key, [asked.item for asked in taken])
        except Exception as error:  # noqa: BLE001, told to whoever waits for it
            results = [error] * len(taken)
        for asked, result in zip(taken, results, strict=True):
            if len(taken) > 1 and (result is None or isinstance(result, Exception)):
                self._spawn(self._do(key, [asked]))  # Nobody else waits for it.
            elif not asked.result.done():
                _tell(asked.result, result)


def _cut_when_left(
    task: asyncio.Task[None] | None, taken: Sequence[_Asked[ItemT, ResultT]]
) -> None:
    def cut_if_left(_: asyncio.Future[ResultT]) -> None:
        if task is not None and all(asked.result.cancelled() for asked in taken):
            task.cancel()

    for asked in taken:
        asked.result.add_done_callback(cut_if_left)


def _tell(future: asyncio.Future[ResultT], result: ResultT | Exception | None) -> None:
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)  # type: ignore[arg-type]  # None is a result when alone
