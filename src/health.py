"""Whether this process lives, may be sent requests, and which of its parts can be used now."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, Literal

from fastapi import Response, status
from pydantic import Field
from sqlalchemy import text
from starlette.requests import HTTPConnection

from src.database import Sessions
from src.documents.vectors.base import VectorIndex
from src.exceptions import AppError
from src.llm.pulls import ModelPulls
from src.llm.service import LLMService
from src.routes import ModuleRouter
from src.schemas import Schema

_TIMEOUT_SECONDS = 3.0

router = ModuleRouter(prefix="/health", tags=["health"])


class LiveRead(Schema):
    status: Literal["live"]


class PartRead(Schema):
    is_ready: bool
    is_embedded: Annotated[bool, Field(description="Runs on this machine because no URL is set.")]
    detail: Annotated[str | None, Field(description="What to do when it is not ready.")]
    latency_ms: Annotated[float, Field(description="How long its answer took.")]


class ReadyRead(Schema):
    status: Literal["ready", "not_ready", "stopping"]
    database: PartRead
    vectors: PartRead
    models: PartRead


class ServingRead(Schema):
    status: Literal["serving", "not_serving", "stopping"]
    database: PartRead


class StartedRead(Schema):
    status: Literal["started", "starting"]


@dataclass(slots=True)
class Lifecycle:
    """How far this process is; the application keeps it in `app.state.lifecycle`."""

    has_started: bool = False
    is_stopping: bool = False


class PartNotReadyError(Exception):
    """A part answered that it cannot be used; the message says what to do."""


@router.get("/live")
async def check_live() -> LiveRead:
    """Tell that the process answers; whoever restarts it asks this."""
    return LiveRead(status="live")


@router.get("/serving", responses={503: {"model": ServingRead, "description": "Send no traffic."}})
async def check_serving(connection: HTTPConnection, response: Response) -> ServingRead:
    """Tell whether requests can be answered here; whoever sends traffic asks this.

    It looks at what every request needs: the database, and a process that is not about to stop. A
    server that is says so while it still answers, so that no request is lost.
    """
    lifecycle: Lifecycle = connection.app.state.lifecycle
    database = await _ask_database(connection)
    state: Literal["serving", "not_serving", "stopping"]
    state = "serving" if database.is_ready else "not_serving"
    if lifecycle.is_stopping:
        state = "stopping"
    if state != "serving":
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return ServingRead(status=state, database=database)


@router.get("/ready", responses={503: {"model": ReadyRead, "description": "A part is missing."}})
async def check_ready(connection: HTTPConnection, response: Response) -> ReadyRead:
    """Tell the state of each part; whoever watches asks this.

    Without models or vectors much still works, so a load balancer asks `/health/serving`.
    """
    lifecycle: Lifecycle = connection.app.state.lifecycle
    ready = await _check_parts(connection)
    if lifecycle.is_stopping:
        ready = ready.model_copy(update={"status": "stopping"})
    if ready.status != "ready":
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return ready


@router.get("/startup", responses={503: {"model": StartedRead, "description": "Not yet."}})
async def check_startup(connection: HTTPConnection, response: Response) -> StartedRead:
    """Tell whether requests could be answered once; whoever waits for a start asks this."""
    lifecycle: Lifecycle = connection.app.state.lifecycle
    if not lifecycle.has_started:
        lifecycle.has_started = (await _ask_database(connection)).is_ready
    if lifecycle.has_started:
        return StartedRead(status="started")
    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return StartedRead(status="starting")


async def _check_parts(connection: HTTPConnection) -> ReadyRead:
    vectors: VectorIndex = connection.state.vectors
    llm: LLMService = connection.state.llm
    pulls: ModelPulls = connection.state.pulls
    embedded: frozenset[str] = connection.state.embedded
    database, vector_index, models = await asyncio.gather(
        _ask_database(connection),
        _ask(vectors.check(), is_embedded="vectors" in embedded),
        _ask(_check_models(llm, pulls), is_embedded="models" in embedded),
    )
    is_ready = database.is_ready and vector_index.is_ready and models.is_ready
    return ReadyRead(
        status="ready" if is_ready else "not_ready",
        database=database,
        vectors=vector_index,
        models=models,
    )


async def _ask_database(connection: HTTPConnection) -> PartRead:
    sessions: Sessions = connection.state.sessions
    return await _ask(
        _check_database(sessions), is_embedded="database" in connection.state.embedded
    )


async def _ask(check: Awaitable[None], *, is_embedded: bool) -> PartRead:
    started_at = perf_counter()
    detail: str | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await check
    except TimeoutError:
        detail = f"No answer within {_TIMEOUT_SECONDS:g} seconds."
    except AppError as error:
        detail = error.detail
    except PartNotReadyError as error:
        detail = str(error)
    return PartRead(
        is_ready=detail is None,
        is_embedded=is_embedded,
        detail=detail,
        latency_ms=round((perf_counter() - started_at) * 1000, 1),
    )


async def _check_database(sessions: Sessions) -> None:
    async with sessions() as session:
        await session.execute(text("SELECT 1"))


async def _check_models(llm: LLMService, pulls: ModelPulls) -> None:
    state = await llm.check()
    for part in (state.chat, state.embedding):
        if not part.is_ready:
            raise PartNotReadyError(pulls.describe_needed() or part.detail)
