"""Many visitors at once, and what they were told all together."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from tests.fleet.visitors import NotToldError, Visitor

_PAUSE_SECONDS = 0.2


class Crowd:
    def __init__(self, visitors: Sequence[Visitor]) -> None:
        self.visitors = visitors
        self._is_over = asyncio.Event()
        self._visits: list[asyncio.Task[None]] = []

    @property
    def told(self) -> Counter[str]:
        return sum((visitor.ledger.told for visitor in self.visitors), Counter())

    @property
    def untold(self) -> Counter[str]:
        return sum((visitor.ledger.untold for visitor in self.visitors), Counter())

    @property
    def violations(self) -> list[str]:
        return [what for visitor in self.visitors for what in visitor.ledger.violations]

    def enter(self) -> None:
        """Let everybody do one thing after another until `leave`."""
        self._visits = [asyncio.create_task(self._visit(visitor)) for visitor in self.visitors]

    async def leave(self) -> None:
        self._is_over.set()
        await asyncio.gather(*self._visits)

    async def wait_for(self, more: int, seconds: float = 120) -> None:
        """Wait until so many more things were done and told of."""
        goal = self.told.total() + more
        async with asyncio.timeout(seconds):
            while self.told.total() < goal:
                await asyncio.sleep(0.05)

    async def check(self) -> list[str]:
        """Let everybody leave, compare every ledger with what there is; return what is wrong."""
        await self.leave()
        await asyncio.gather(*(visitor.check() for visitor in self.visitors))
        return self.violations

    async def _visit(self, visitor: Visitor) -> None:
        while not self._is_over.is_set():
            try:
                await visitor.do_something()
            except NotToldError:
                await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def gather_crowd(urls: Sequence[str], size: int, seed: int) -> AsyncIterator[Crowd]:
    """Register everybody at the APIs `urls`, and let them in; they leave with the context."""
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        visitors = [Visitor(http, urls, random.Random(seed + n)) for n in range(size)]  # noqa: S311, a repeatable choice
        await asyncio.gather(*(visitor.enter() for visitor in visitors))
        crowd = Crowd(visitors)
        crowd.enter()
        try:
            yield crowd
        finally:
            await crowd.leave()
