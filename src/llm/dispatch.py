"""Takes requests to the servers: in turn, to the least busy, and once more where one fails.

Nothing is asked again after the first piece of an answer: the caller has seen it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple, TypeVar

from src.exceptions import AppError
from src.llm.admission import ModelQueue, Priority, ReportPosition
from src.llm.client import OllamaClient
from src.llm.exceptions import LLMTimedOutError, LLMUnavailableError, ModelNotFoundError
from src.llm.servers import Model, ModelServers, OllamaServer
from src.metrics import MODEL_QUEUE_WAIT

_PAUSE_SECONDS = 0.25

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Turn:
    """Who asks, how urgently, and who hears the position in the queue."""

    user: Hashable
    priority: Priority = Priority.INTERACTIVE
    report: ReportPosition | None = None


class QueueState(NamedTuple):
    """How many wait for a model, and how many it works on."""

    model: str
    waiting: int
    running: int


class Dispatcher:
    """`concurrency` is per server and model; `retried` is what another attempt may mend."""

    def __init__(
        self,
        servers: ModelServers,
        *,
        concurrency: int,
        max_waiting: int,
        max_waiting_per_user: int,
        retried: tuple[type[AppError], ...],
    ) -> None:
        self._servers = servers
        self._concurrency = concurrency
        self._limits = (max_waiting, max_waiting_per_user)
        self._retried = retried
        self._queues: dict[tuple[str, str], ModelQueue] = {}
        servers.on_recovery(self._fill_places)

    def check_room(self, model: Model, user: Hashable) -> None:
        """Raise `LLMBusyError` when one more request of this user could not even wait."""
        self._get_queue(model).check_room(user)

    def count_running(self) -> int:
        return sum(queue.running for queue in self._queues.values())

    def list_queues(self) -> list[QueueState]:
        return [
            QueueState(name, queue.waiting, queue.running)
            for (name, _), queue in self._queues.items()
        ]

    async def stream(
        self, model: Model, turn: Turn, call: Callable[[OllamaClient], AsyncGenerator[ItemT, None]]
    ) -> AsyncGenerator[ItemT, None]:
        """Yield what `call` does on a server that has the model, when it is the user's turn."""
        failed: list[OllamaServer] = []
        while True:
            has_begun = False
            async with self._take_place(model, turn, failed) as server:
                try:
                    async with aclosing(call(server.client)) as items:
                        async for item in items:
                            has_begun = True
                            yield item
                except AppError as error:
                    self._note_failure(server, error)
                    failed.append(server)
                    if has_begun or not self._is_worth_another(model, error, failed):
                        raise
                else:
                    return
            if self._list_next(model, failed) == [server]:
                await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _take_place(
        self, model: Model, turn: Turn, failed: Sequence[OllamaServer]
    ) -> AsyncIterator[OllamaServer]:
        asked_at = perf_counter()
        async with self._get_queue(model).admit(turn.user, turn.priority, turn.report):
            labels = {"model": model.name, "priority": turn.priority.name.lower()}
            MODEL_QUEUE_WAIT.record(perf_counter() - asked_at, labels)
            servers = self._list_next(model, failed) or self._servers.list_hosts(model)
            if not servers:
                raise ModelNotFoundError(model.name)
            server = min(servers, key=lambda server: server.measure_load(model.name))
            with server.work_on(model.name):
                yield server

    def _list_next(self, model: Model, failed: Sequence[OllamaServer]) -> list[OllamaServer]:
        """Return who has not failed yet; whoever is alone gets a second chance."""
        hosts = self._servers.list_hosts(model)
        others = [server for server in hosts if server not in failed]
        return others or (hosts if len(hosts) == len(failed) == 1 else [])

    def _is_worth_another(
        self, model: Model, error: AppError, failed: Sequence[OllamaServer]
    ) -> bool:
        servers = self._list_next(model, failed)
        if isinstance(error, ModelNotFoundError):
            return any(server not in failed for server in servers)
        return isinstance(error, self._retried) and bool(servers)

    def _note_failure(self, server: OllamaServer, error: AppError) -> None:
        if isinstance(error, (LLMUnavailableError, LLMTimedOutError)):
            self._servers.set_aside(server)
        elif isinstance(error, ModelNotFoundError):
            server.catalogue.forget()

    def _get_queue(self, model: Model) -> ModelQueue:
        key = (model.name, model.digest)
        if key not in self._queues:
            self._queues[key] = ModelQueue(lambda: self._count_places(model), *self._limits)
        return self._queues[key]

    def _count_places(self, model: Model) -> int:
        return self._concurrency * max(1, len(self._servers.list_hosts(model)))

    def _fill_places(self) -> None:
        for queue in self._queues.values():
            queue.fill_places()
