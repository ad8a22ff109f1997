"""Who may use a model next: a bounded queue in front of each, fair between users.

Ollama itself serves whoever came first. Here every user has a line of their own, and the lines
take turns: start-time fair queueing (Goyal, Vin and Cheng, 1996) with every request as long as any
other. It forgets nobody who waits, and a burst delays its own sender only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from src.llm.exceptions import LLMBusyError

ReportPosition = Callable[[int], None]


class Priority(IntEnum):
    """Whoever waits with a lower one goes first, whatever the turns."""

    INTERACTIVE = 0
    BACKGROUND = 1


@dataclass(eq=False, slots=True)
class _Ticket:
    user: Hashable
    priority: Priority
    report: ReportPosition | None
    admitted: asyncio.Future[None]
    position: int | None = None


@dataclass(slots=True)
class _Level:
    """The waiting of one priority. A user's n-th ticket has the turn of the user plus n."""

    now: int = 0
    turns: dict[Hashable, int] = field(default_factory=dict)
    lines: dict[Hashable, list[_Ticket]] = field(default_factory=dict)

    def add(self, ticket: _Ticket) -> None:
        self.lines.setdefault(ticket.user, []).append(ticket)
        self.turns.setdefault(ticket.user, self.now)

    def remove(self, ticket: _Ticket) -> bool:
        """Whether it was still there."""
        line = self.lines.get(ticket.user, [])
        if ticket not in line:
            return False
        line.remove(ticket)
        if not line:
            del self.lines[ticket.user]
        return True

    def take_next(self) -> _Ticket | None:
        if not self.lines:
            return None
        user = min(self.lines, key=self.turns.__getitem__)
        ticket = self.lines[user][0]
        self.remove(ticket)
        self._advance(user)
        return ticket

    def list_in_order(self) -> list[_Ticket]:
        numbered = [
            (self.turns[user] + index, ticket)
            for user, line in self.lines.items()
            for index, ticket in enumerate(line)
        ]
        return [ticket for _, ticket in sorted(numbered, key=lambda pair: pair[0])]

    def _advance(self, user: Hashable) -> None:
        """Give the user the turn after this one, and forget turns that have no meaning any more."""
        self.now = max(self.now, self.turns[user])
        self.turns[user] += 1
        self.turns = {
            other: turn
            for other, turn in self.turns.items()
            if turn > self.now or other in self.lines
        }


class ModelQueue:
    """The places of one model, and who waits for one.

    There may be more or fewer places at any time: whoever adds some calls `fill_places`. The
    background never takes the last of several: something urgent need not wait for it.
    """

    def __init__(
        self, count_places: Callable[[], int], max_waiting: int, max_waiting_per_user: int
    ) -> None:
        self._count_places = count_places
        self._max_waiting = max_waiting
        self._max_waiting_per_user = max_waiting_per_user
        self._levels = {priority: _Level() for priority in Priority}
        self._waiting = 0
        self._is_report_due = False
        self._running = dict.fromkeys(Priority, 0)

    @property
    def running(self) -> int:
        return sum(self._running.values())

    @property
    def waiting(self) -> int:
        return self._waiting

    def check_room(self, user: Hashable) -> None:
        """Raise `LLMBusyError` when one more request of this user would find no place to wait."""
        own = sum(len(level.lines.get(user, ())) for level in self._levels.values())
        if self.running >= self._count_places() and (
            self._waiting >= self._max_waiting or own >= self._max_waiting_per_user
        ):
            raise LLMBusyError

    @asynccontextmanager
    async def admit(
        self, user: Hashable, priority: Priority, report: ReportPosition | None = None
    ) -> AsyncIterator[None]:
        """Wait for a place and hold it; `report` hears the position, 1 for next, as it changes."""
        self.check_room(user)
        await self._enter(user, priority, report)
        try:
            yield
        finally:
            self._running[priority] -= 1
            self.fill_places()

    async def _enter(
        self, user: Hashable, priority: Priority, report: ReportPosition | None
    ) -> None:
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ticket = _Ticket(user, priority, report, admitted)
        self._levels[priority].add(ticket)
        self._waiting += 1
        self.fill_places()
        try:
            await admitted
        except asyncio.CancelledError:
            self._leave(ticket)
            raise

    def _leave(self, ticket: _Ticket) -> None:
        if ticket.admitted.done() and not ticket.admitted.cancelled():
            self._running[ticket.priority] -= 1  # It was given a place in the moment that it left.
        elif self._levels[ticket.priority].remove(ticket):
            self._waiting -= 1
        self.fill_places()

    def fill_places(self) -> None:
        while (ticket := self._take_next()) is not None:
            self._waiting -= 1
            if not ticket.admitted.done():  # Cancelled, it is about to leave.
                self._running[ticket.priority] += 1
                ticket.admitted.set_result(None)
        if self._waiting and not self._is_report_due:
            self._is_report_due = True
            asyncio.get_running_loop().call_soon(self._report_positions)

    def _take_next(self) -> _Ticket | None:
        tickets = (self._levels[priority].take_next() for priority in self._list_admissible())
        return next((ticket for ticket in tickets if ticket is not None), None)

    def _list_admissible(self) -> list[Priority]:
        places = self._count_places()
        if self.running >= places:
            return []
        is_last_place = places > 1 and self.running == places - 1
        return [Priority.INTERACTIVE] if is_last_place else list(Priority)

    def _report_positions(self) -> None:
        """Tell everybody whose position changed, once for all that happened in one go."""
        self._is_report_due = False
        waiting = (ticket for level in self._levels.values() for ticket in level.list_in_order())
        for position, ticket in enumerate(waiting, 1):
            if ticket.report is not None and ticket.position != position:
                ticket.position = position
                ticket.report(position)
