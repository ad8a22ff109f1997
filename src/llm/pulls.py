"""Models on their way to the server: one pull for each, watched by anybody, ended by nobody."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from src.exceptions import AppError
from src.llm.client import OllamaClient
from src.llm.names import normalise_model_name
from src.llm.schemas import PullCompleted, PullEvent, PullFailed, PullProgress
from src.llm.wire import PullLine
from src.schemas import Problem

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Pull:
    """The latest event, and how large the layers are that were named so far."""

    event: PullEvent
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    layers: dict[str, tuple[int, int]] = field(default_factory=dict)

    def announce(self, event: PullEvent) -> None:
        self.event = event
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def take(self, line: PullLine) -> None:
        if line.digest:
            self.layers[line.digest] = (line.completed, line.total)
        completed, total = (
            map(sum, zip(*self.layers.values(), strict=True)) if self.layers else (0, 0)
        )
        self.announce(
            PullProgress(status=line.status, completed_bytes=completed, total_bytes=total)
        )


class ModelPulls:
    """Made in the lifespan and closed there. A pull that is cut goes on where it was, next time."""

    def __init__(self, client: OllamaClient, forget_models: Callable[[], object]) -> None:
        self._client = client
        self._forget_models = forget_models
        self._pulls: dict[str, _Pull] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str) -> None:
        """Begin to pull a model, unless that is under way."""
        key = normalise_model_name(name)
        if key in self._pulls:
            return
        pull = _Pull(PullProgress(status="starting", completed_bytes=0, total_bytes=0))
        self._pulls[key] = pull
        task = asyncio.create_task(self._run(key, pull))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def follow(self, name: str) -> AsyncGenerator[PullEvent, None]:
        """Yield the latest state and every further one to the end; a slow watcher skips some."""
        pull = self._pulls.get(normalise_model_name(name))
        while pull is not None:
            changed, event = pull.changed, pull.event
            yield event
            if not isinstance(event, PullProgress):
                return
            await changed.wait()

    def describe(self) -> dict[str, PullProgress]:
        """Return what is under way, by model."""
        return {
            name: pull.event
            for name, pull in self._pulls.items()
            if isinstance(pull.event, PullProgress)
        }

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _run(self, name: str, pull: _Pull) -> None:
        log.info("pulling model", model=name)
        try:
            async with aclosing(self._client.pull_model(name)) as lines:
                async for line in lines:
                    pull.take(line)
        except AppError as error:
            log.warning("model not pulled", model=name, code=error.code)
            pull.announce(PullFailed(problem=Problem.from_error(error, None)))
        except Exception:  # the outermost edge of the task: no watcher may wait for ever
            log.exception("model not pulled", model=name)
            pull.announce(PullFailed(problem=Problem.from_error(AppError(), None)))
        else:
            log.info("model pulled", model=name)
            self._forget_models()
            pull.announce(PullCompleted(model=name))
        finally:
            del self._pulls[name]
