"""What an operator runs beside the API: a worker, a new index, a look for what does not agree."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict

import structlog
import uvicorn
from fastapi import FastAPI

from src import health, telemetry
from src.config import Settings
from src.documents.collections import count_outdated, enqueue_outdated
from src.documents.reconciler import Findings, Reconciler
from src.embedded.services import run_missing_services
from src.error_handlers import add_error_handlers
from src.main import Parts, open_parts, run_sampler, run_worker
from src.routes import RouteTable
from src.statements import Statements
from src.telemetry import configure_telemetry

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.3


@asynccontextmanager
async def open_everything(settings: Settings) -> AsyncIterator[tuple[AsyncExitStack, Parts]]:
    async with run_missing_services(settings) as services, AsyncExitStack() as stack:
        yield stack, await open_parts(stack, services.settings)


async def work(settings: Settings, stopping: asyncio.Event) -> None:
    """Process documents until told to stop; jobs in progress go back to the queue."""
    configure_telemetry(settings)
    async with open_everything(settings) as (stack, parts):
        run_worker(stack, parts)
        run_sampler(stack, parts)
        if settings.metrics.worker_port is not None:
            await stack.enter_async_context(_serve_metrics(settings))
        log.info("working", concurrency=parts.settings.documents.worker_concurrency)
        await stopping.wait()


class _Server(uvicorn.Server):
    """Leaves the signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serve_metrics(settings: Settings) -> AsyncIterator[None]:
    """Answer who watches a worker; it has no API of its own."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Settings]]:
        yield {"settings": settings}

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    app.include_router(telemetry.router)
    app.add_api_route("/health/live", health.check_live)
    add_error_handlers(app)
    app.state.routes = RouteTable(app.routes)
    server = _Server(
        uvicorn.Config(
            app, host=settings.host, port=settings.metrics.worker_port or 0, log_config=None
        )
    )
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def reindex(settings: Settings, report: Callable[[int, int], None]) -> None:
    """Bring every document to the collection of the present embedding model.

    `report` hears how many are done, of how many. Searches go on all the while, also in documents
    that are not done; those are found by their words.
    """
    async with open_everything(settings) as (stack, parts):
        collection = (await parts.llm.get_embedding_identity()).collection_name
        total = left = await enqueue_outdated(parts.sessions, collection)
        report(0, total)
        run_worker(stack, parts)
        while left:
            await asyncio.sleep(_LOOK_SECONDS)
            left = await count_outdated(parts.sessions, collection)
            total = max(total, left)
            report(total - left, total)
        await _make_reconciler(parts).drop_unused()


async def verify(settings: Settings, *, mend: bool) -> Findings:
    """Compare rows, vectors and files. What is mended by indexing is indexed by a worker."""
    async with open_everything(settings) as (_, parts):
        findings = await _make_reconciler(parts).reconcile(mend=mend)
        log.info("verified", mended=mend, **asdict(findings))
        return findings


def _make_reconciler(parts: Parts) -> Reconciler:
    return Reconciler(Statements(parts.engine), parts.sessions, parts.vectors, parts.storage)
