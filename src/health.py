"""Whether this process lives, and whether every part it needs can be used now."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Literal

from fastapi import APIRouter, Response, status
from pydantic import Field
from sqlalchemy import text
from starlette.requests import HTTPConnection

from src.database import Sessions
from src.documents.vectors.base import VectorIndex
from src.exceptions import AppError
from src.llm.pulls import ModelPulls
from src.llm.service import LLMService
from src.schemas import Schema

_TIMEOUT_SECONDS = 3.0

router = APIRouter(prefix="/health", tags=["health"])


class LiveRead(Schema):
    status: Literal["live"]


class PartRead(Schema):
    is_ready: bool
    is_embedded: Annotated[bool, Field(description="Runs on this machine because no URL is set.")]
    detail: Annotated[str | None, Field(description="What to do when it is not ready.")]


class ReadyRead(Schema):
    status: Literal["ready", "not_ready"]
    database: PartRead
    vectors: PartRead
    models: PartRead


class PartNotReadyError(Exception):
    """A part answered that it cannot be used; the message says what to do."""


@router.get("/live")
async def check_live() -> LiveRead:
    """Tell that the process answers; whoever restarts it asks this."""
    return LiveRead(status="live")


@router.get("/ready", responses={503: {"model": ReadyRead, "description": "Not every part is."}})
async def check_ready(connection: HTTPConnection, response: Response) -> ReadyRead:
    """Tell the state of each part; whoever sends traffic asks this."""
    sessions: Sessions = connection.state.sessions
    vectors: VectorIndex = connection.state.vectors
    llm: LLMService = connection.state.llm
    pulls: ModelPulls = connection.state.pulls
    embedded: frozenset[str] = connection.state.embedded
    details = await asyncio.gather(
        _ask(_check_database(sessions)), _ask(vectors.check()), _ask(_check_models(llm, pulls))
    )
    database, vector_index, models = (
        PartRead(is_ready=detail is None, is_embedded=name in embedded, detail=detail)
        for name, detail in zip(("database", "vectors", "models"), details, strict=True)
    )
    is_ready = all(detail is None for detail in details)
    if not is_ready:
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    return ReadyRead(
        status="ready" if is_ready else "not_ready",
        database=database,
        vectors=vector_index,
        models=models,
    )


async def _ask(check: Awaitable[None]) -> str | None:
    """Return what is wrong, or None."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await check
    except TimeoutError:
        return f"No answer within {_TIMEOUT_SECONDS:g} seconds."
    except AppError as error:
        return error.detail
    except PartNotReadyError as error:
        return str(error)
    return None


async def _check_database(sessions: Sessions) -> None:
    async with sessions() as session:
        await session.execute(text("SELECT 1"))


async def _check_models(llm: LLMService, pulls: ModelPulls) -> None:
    state = await llm.check()
    for part in (state.chat, state.embedding):
        if not part.is_ready:
            raise PartNotReadyError(pulls.describe_needed() or part.detail)
