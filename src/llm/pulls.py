"""Models on their way to the servers: one pull for each, watched by anybody, ended by nobody.

A model goes to every server that should have it: the embedding model to those that embed, any
other one to those that answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from src.config import OllamaSettings
from src.exceptions import AppError
from src.llm.names import normalise_model_name
from src.llm.preferences import ModelPreferences
from src.llm.schemas import PullCompleted, PullEvent, PullFailed, PullProgress
from src.llm.servers import ModelServers, OllamaServer
from src.llm.wire import PullLine
from src.schemas import Problem

log = structlog.get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 300
_TENTHS = 10


def _begin() -> PullProgress:
    return PullProgress(status="starting", completed_bytes=0, total_bytes=0)


@dataclass(slots=True)
class _Pull:
    """The latest event, and how large the layers are that were named so far, by server."""

    model: str
    event: PullEvent = field(default_factory=_begin)
    tenths: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    layers: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def announce(self, event: PullEvent) -> None:
        self.event = event
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def take(self, server: str, line: PullLine) -> None:
        if line.digest:
            self.layers[server, line.digest] = (line.completed, line.total)
        completed, total = (
            map(sum, zip(*self.layers.values(), strict=True)) if self.layers else (0, 0)
        )
        self.announce(
            PullProgress(status=line.status, completed_bytes=completed, total_bytes=total)
        )
        tenths = _TENTHS * completed // max(total, 1)
        if tenths > self.tenths:
            self.tenths = tenths
            log.info("pulling model", model=self.model, bytes=completed, of=total)


class ModelPulls:
    """Made in the lifespan and closed there. A pull that is cut goes on where it was, next time."""

    def __init__(
        self, chat_servers: ModelServers, embed_servers: ModelServers, settings: OllamaSettings
    ) -> None:
        preferences = ModelPreferences(settings)
        self._embed_model = preferences.resolve(settings.embed_model)
        self._needed = (preferences.resolve(settings.chat_model), self._embed_model)
        self._chat_servers = chat_servers
        self._embed_servers = embed_servers
        self._retry_seconds = settings.recovery_seconds
        self._pulls: dict[str, _Pull] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str) -> None:
        """Begin to pull a model, unless that is under way."""
        key = normalise_model_name(name)
        if key in self._pulls:
            return
        self._pulls[key] = pull = _Pull(key)
        self._spawn(self._run(key, pull))

    def start_missing(self) -> None:
        """Begin to pull the configured models where they are missing, as soon as that is known."""
        for name in self._needed:
            self._spawn(self._pull_if_missing(name))

    async def follow(self, name: str) -> AsyncGenerator[PullEvent, None]:
        """Yield the latest state and every further one to the end; a slow watcher skips some."""
        pull = self._pulls.get(normalise_model_name(name))
        while pull is not None:
            changed, event = pull.changed, pull.event
            yield event
            if not isinstance(event, PullProgress):
                return
            await changed.wait()

    def describe_needed(self) -> str | None:
        """Say how far the pulls of the configured models are; None when there are none."""
        needed = dict.fromkeys(map(normalise_model_name, self._needed))
        events = {name: self._pulls[name].event for name in needed if name in self._pulls}
        return " ".join(_describe(name, event) for name, event in events.items()) or None

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _get_servers(self, name: str) -> ModelServers:
        is_embed_model = normalise_model_name(name) == normalise_model_name(self._embed_model)
        return self._embed_servers if is_embed_model else self._chat_servers

    async def _pull_if_missing(self, name: str) -> None:
        """Try, later and later, until every server has it."""
        servers, pause = self._get_servers(name), self._retry_seconds
        while lacking := await _list_lacking(servers, name):
            if any(server.catalogue.known is not None for server in lacking):
                self.start(name)
                async for _ in self.follow(name):
                    pass
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _run(self, name: str, pull: _Pull) -> None:
        servers = self._get_servers(name)
        log.info("pulling model", model=name)
        try:
            await _pull_everywhere(servers, name, pull)
        except AppError as error:
            log.warning("model not pulled", model=name, code=error.code)
            pull.announce(PullFailed(problem=Problem.from_error(error, None)))
        except Exception:  # the outermost edge of the task: no watcher may wait for ever
            log.exception("model not pulled", model=name)
            pull.announce(PullFailed(problem=Problem.from_error(AppError(), None)))
        else:
            log.info("model pulled", model=name)
            pull.announce(PullCompleted(model=name))
        finally:
            servers.forget()
            del self._pulls[name]


def _describe(name: str, event: PullEvent) -> str:
    if not isinstance(event, PullProgress):
        return f"Pulled '{name}'."
    megabytes = [f"{size / 1e6:,.0f}" for size in (event.completed_bytes, event.total_bytes)]
    return f"Pulling '{name}': {megabytes[0]} of {megabytes[1]} MB."


async def _list_lacking(servers: ModelServers, name: str) -> list[OllamaServer]:
    with contextlib.suppress(AppError):
        await servers.check()
    return [server for server in servers.servers if server.catalogue.find(name) is None]


async def _pull_everywhere(servers: ModelServers, name: str, pull: _Pull) -> None:
    """Pull to every server at once; raises the first error when all are done."""
    results = await asyncio.gather(
        *(_pull_to(server, name, pull) for server in servers.servers), return_exceptions=True
    )
    for result in results:
        if isinstance(result, BaseException):
            raise result


async def _pull_to(server: OllamaServer, name: str, pull: _Pull) -> None:
    async with aclosing(server.client.pull_model(name)) as lines:
        async for line in lines:
            pull.take(server.client.address, line)
