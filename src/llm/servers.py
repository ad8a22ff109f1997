"""Several Ollama servers that stand in for each other: what they have, and which of them are well.

A server that cannot be reached is set aside: the others are preferred until it answers again. What
it had is remembered, so that a model that only it has is unavailable for a while, and not unknown.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Protocol, TypeVar

import structlog

from src.config import OllamaSettings
from src.exceptions import AppError
from src.llm.cache import ExpiringCache
from src.llm.catalogue import ModelCatalogue
from src.llm.client import OllamaClient, create_http_client
from src.llm.exceptions import LLMUnavailableError, ModelNotFoundError
from src.llm.names import normalise_model_name
from src.llm.upstream_errors import map_upstream_errors
from src.llm.wire import InstalledModel, ModelDetails

log = structlog.get_logger(__name__)

METADATA_TTL_SECONDS = 30.0
_CHECK_SECONDS = 2.5

AnswerT = TypeVar("AnswerT")


class Model(Protocol):
    """What tells models apart: vectors of two digests never mix."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...


class OllamaServer:
    def __init__(self, client: OllamaClient, ttl_seconds: float) -> None:
        self.client = client
        self.catalogue = ModelCatalogue(client, ttl_seconds)
        self.is_aside = False
        self._running: Counter[str] = Counter()

    def has(self, model: Model) -> bool:
        known = self.catalogue.find(model.name)
        return known is not None and known.digest == model.digest

    @contextmanager
    def work_on(self, model: str) -> Iterator[None]:
        self._running[model] += 1
        try:
            yield
        finally:
            self._running[model] -= 1

    def measure_load(self, model: str) -> tuple[int, int]:
        """Return what sorts servers by how busy they are: with this model, then altogether."""
        return self._running[model], self._running.total()


class ModelServers:
    """Made by `open_servers`, and closed there."""

    def __init__(
        self,
        clients: Sequence[OllamaClient],
        settings: OllamaSettings,
        *,
        metadata_ttl_seconds: float = METADATA_TTL_SECONDS,
    ) -> None:
        self.servers = [OllamaServer(client, metadata_ttl_seconds) for client in clients]
        self._recovery_seconds = settings.recovery_seconds
        self._details = ExpiringCache(self._load_details, metadata_ttl_seconds)
        self._watchers: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[], object]] = []

    def on_recovery(self, listener: Callable[[], object]) -> None:
        self._listeners.append(listener)

    async def close(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        if self._watchers:
            await asyncio.wait(self._watchers)

    async def list_models(self, *, now: bool = False) -> list[InstalledModel]:
        """List what any server has, as the first of them describes it. Raises if none answers."""
        return list((await self._get_models(now=now)).values())

    async def find_model(self, name: str) -> InstalledModel:
        """Find a model by any spelling of its name, even one that was pulled a moment ago."""
        wanted = normalise_model_name(name)
        for now in (False, True):
            model = (await self._get_models(now=now)).get(wanted)
            if model is not None:
                return model
        if any(server.catalogue.known is None for server in self.servers):
            raise LLMUnavailableError  # Whoever is silent since the start may have it.
        raise ModelNotFoundError(name)

    async def get_details(self, model: InstalledModel) -> ModelDetails:
        return await self._details.get(model)

    async def list_loaded(self) -> set[str]:
        """Return the names of the models that any server has in memory."""
        loaded = await self._ask_all(lambda server: server.client.list_loaded())
        return {name for names in loaded for name in names}

    async def check(self) -> str:
        """Ask at this moment what there is; return Ollama's version. Raises if none answers."""
        return (await self._ask_all(_check))[0]

    async def delete_model(self, name: str) -> None:
        """Delete a model wherever it is. Raises when that failed anywhere; then try again."""
        hosts = [server for server in self.servers if server.catalogue.find(name)]
        results = await asyncio.gather(
            *(server.client.delete_model(name) for server in hosts), return_exceptions=True
        )
        self.forget()
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def list_well(self) -> list[OllamaServer]:
        """Return those that are well, or all when none is."""
        return [server for server in self.servers if not server.is_aside] or self.servers

    def list_hosts(self, model: Model) -> list[OllamaServer]:
        """Return those that have a model and are well, or all that have it when none is."""
        hosts = [server for server in self.servers if server.has(model)]
        return [server for server in hosts if not server.is_aside] or hosts

    def forget(self) -> None:
        """Ask anew which models there are, the next time."""
        for server in self.servers:
            server.catalogue.forget()

    def set_aside(self, server: OllamaServer) -> None:
        """Prefer the others, until this one answers again."""
        if server.is_aside or len(self.servers) == 1:
            return
        server.is_aside = True
        log.warning("model server set aside", server=server.client.address)
        watcher = asyncio.create_task(self._wait_for(server))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _wait_for(self, server: OllamaServer) -> None:
        while server.is_aside:
            await asyncio.sleep(self._recovery_seconds)
            with contextlib.suppress(AppError):
                await server.catalogue.update(now=True)
                server.is_aside = False
        log.info("model server is back", server=server.client.address)
        for listener in self._listeners:
            listener()

    async def _get_models(self, *, now: bool) -> dict[str, InstalledModel]:
        if now or not all(server.catalogue.is_fresh for server in self.list_well()):
            await self._ask_all(lambda server: server.catalogue.update(now=now))
        models: dict[str, InstalledModel] = {}
        for server in self.servers:
            for name, model in (server.catalogue.known or {}).items():
                models.setdefault(name, model)
        return models

    async def _ask_all(self, ask: Callable[[OllamaServer], Awaitable[AnswerT]]) -> list[AnswerT]:
        """Ask all who are well, and set aside who fails. Raises when nobody answers."""
        asked = self.list_well()
        replies = await asyncio.gather(*map(ask, asked), return_exceptions=True)
        answers: list[AnswerT] = []
        errors: list[AppError] = []
        for server, reply in zip(asked, replies, strict=True):
            if isinstance(reply, AppError):
                errors.append(reply)
                self.set_aside(server)
            elif isinstance(reply, BaseException):
                raise reply
            else:
                answers.append(reply)
        if not answers:
            raise errors[0]
        return answers

    async def _load_details(self, model: InstalledModel) -> ModelDetails:
        error: AppError = ModelNotFoundError(model.name)
        for server in self.list_hosts(model):
            try:
                return await server.client.show_model(model.name)
            except AppError as exc:
                error = exc
        raise error


async def _check(server: OllamaServer) -> str:
    with map_upstream_errors():
        async with asyncio.timeout(_CHECK_SECONDS):
            version = await server.client.get_version()
            await server.catalogue.update(now=True)
    return version


@asynccontextmanager
async def open_servers(
    settings: OllamaSettings, urls: Sequence[str]
) -> AsyncIterator[ModelServers]:
    async with AsyncExitStack() as stack:
        clients = [
            OllamaClient(
                await stack.enter_async_context(create_http_client(settings, url)), settings
            )
            for url in urls
        ]
        servers = ModelServers(clients, settings)
        stack.push_async_callback(servers.close)
        yield servers
