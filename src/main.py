"""Puts the application together: the only place that knows every module."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import HTTPConnection

from src import health
from src.auth.dependencies import AUTHENTICATION_ERRORS, DetachedUser
from src.auth.passwords import Passwords
from src.auth.router import router as auth_router
from src.auth.tokens import AccessTokens
from src.chat.generation import AnswerEngine
from src.chat.openai.router import router as openai_router
from src.chat.router import router as chat_router
from src.config import Settings
from src.database import Sessions, create_engine, create_sessions, migrate
from src.documents.exceptions import VectorsUnavailableError
from src.documents.ingestion import IngestionService
from src.documents.router import router as documents_router
from src.documents.search import SearchService
from src.documents.storage import FileStorage, open_store
from src.documents.vectors.base import VectorIndex
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.server import ServerVectorIndex, create_qdrant_client
from src.documents.vectors.sparse import SparseEncoder
from src.documents.worker import DocumentWorker
from src.error_handlers import add_error_handlers
from src.exceptions import InvalidError
from src.llm.client import OllamaClient, create_http_client
from src.llm.pulls import ModelPulls
from src.llm.router import router as llm_router
from src.llm.service import LLMService
from src.middleware import BodyLimitMiddleware, RequestContextMiddleware
from src.schemas import problem_responses

log = structlog.get_logger(__name__)

VERSION = "0.1.0"
API_PREFIX = "/api/v1"
_MAX_JSON_BYTES = 1024 * 1024
_MAX_IMAGES_BYTES = 20 * 1024 * 1024


def create_app(settings: Settings, *, embedded: frozenset[str] = frozenset()) -> FastAPI:
    """Build the application. `settings` name a database and an Ollama; see `src.embedded`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            yield await _start(stack, settings, embedded)

    app = FastAPI(
        title="Colloquy",
        version=VERSION,
        summary="Chat with your own documents: every answer streamed and cited.",
        lifespan=lifespan,
        generate_unique_id_function=_name_operation,
        responses=problem_responses(InvalidError),
    )
    app.add_middleware(
        BodyLimitMiddleware,
        max_bytes=_MAX_JSON_BYTES,
        unlimited=frozenset({f"{API_PREFIX}/documents"}),
        larger={"/v1/chat/completions": _MAX_IMAGES_BYTES},
    )
    app.add_middleware(RequestContextMiddleware)
    add_error_handlers(app)
    app.include_router(health.router)
    app.include_router(_build_api())
    app.include_router(openai_router)
    return app


def _build_api() -> APIRouter:
    api = APIRouter(prefix=API_PREFIX)
    api.include_router(auth_router)
    api.include_router(documents_router)
    api.include_router(chat_router)
    api.include_router(
        llm_router,
        dependencies=[Depends(_identify_caller)],
        responses=problem_responses(*AUTHENTICATION_ERRORS),
    )
    return api


async def _identify_caller(connection: HTTPConnection, user: DetachedUser) -> None:
    """Tell the llm module who is asking: it knows nothing of accounts."""
    connection.state.caller = user


async def _start(
    stack: AsyncExitStack, settings: Settings, embedded: frozenset[str]
) -> dict[str, Any]:
    """Open every client, each closed by the stack, and return the state that requests see."""
    engine = await _open_database(stack, settings)
    sessions = create_sessions(engine)
    llm, pulls = await _open_llm(stack, settings)
    vectors = await _open_vectors(stack, settings)
    storage = FileStorage(open_store(settings.storage.url, settings.data_dir))
    sparse = SparseEncoder()
    ingestion = IngestionService(sessions, storage, vectors, sparse, llm, settings.documents)
    if settings.documents.worker_concurrency:
        _run_worker(stack, engine, ingestion, settings)
    search = SearchService(sessions, vectors, sparse, llm, settings.documents)
    answers = _open_answers(stack, settings, sessions, search, llm)
    log.info(
        "ready", embedded=sorted(embedded), docs=f"http://{settings.host}:{settings.port}/docs"
    )
    return {
        "settings": settings,
        "embedded": embedded,
        "sessions": sessions,
        "llm": llm,
        "pulls": pulls,
        "vectors": vectors,
        "storage": storage,
        "search": search,
        "answers": answers,
        "passwords": Passwords(settings.auth),
        "tokens": _create_tokens(settings),
    }


async def _open_database(stack: AsyncExitStack, settings: Settings) -> AsyncEngine:
    assert settings.database.url is not None  # noqa: S101, see create_app
    url = settings.database.url.get_secret_value()
    await asyncio.to_thread(migrate, url)
    engine = create_engine(url, settings.database)
    stack.push_async_callback(engine.dispose)
    return engine


async def _open_llm(stack: AsyncExitStack, settings: Settings) -> tuple[LLMService, ModelPulls]:
    assert settings.ollama.url is not None  # noqa: S101, see create_app
    urls = (settings.ollama.url, settings.ollama.embed_url or settings.ollama.url)
    chat, embed = [
        OllamaClient(
            await stack.enter_async_context(create_http_client(settings.ollama, url)),
            settings.ollama,
        )
        for url in urls
    ]
    llm = LLMService(chat, embed, settings.ollama)
    pulls = ModelPulls(chat, llm.forget_models)
    stack.push_async_callback(pulls.close)
    return llm, pulls


async def _open_vectors(stack: AsyncExitStack, settings: Settings) -> VectorIndex:
    vectors: VectorIndex
    if settings.qdrant.url is None:
        vectors = EdgeVectorIndex(settings.data_dir / "qdrant")
    else:
        vectors = ServerVectorIndex(create_qdrant_client(settings.qdrant))
    stack.push_async_callback(vectors.close)
    with contextlib.suppress(VectorsUnavailableError):
        await vectors.check()  # Warms it up; when it is away, /health/ready will say so.
    return vectors


def _run_worker(
    stack: AsyncExitStack, engine: AsyncEngine, ingestion: IngestionService, settings: Settings
) -> None:
    worker = DocumentWorker(engine, ingestion, concurrency=settings.documents.worker_concurrency)
    task = asyncio.create_task(worker.run())

    async def stop() -> None:
        worker.stop()
        await task

    stack.push_async_callback(stop)


def _open_answers(
    stack: AsyncExitStack,
    settings: Settings,
    sessions: Sessions,
    search: SearchService,
    llm: LLMService,
) -> AnswerEngine:
    answers = AnswerEngine(sessions, search, llm, settings.chat)
    stack.push_async_callback(answers.close)
    sweeper = asyncio.create_task(answers.sweep())
    stack.callback(sweeper.cancel)
    return answers


def _create_tokens(settings: Settings) -> AccessTokens:
    assert settings.auth.secret_key is not None  # noqa: S101, see create_app
    keys = [settings.auth.secret_key, *settings.auth.previous_secret_keys]
    return AccessTokens(
        [key.get_secret_value() for key in keys],
        timedelta(minutes=settings.auth.access_token_minutes),
    )


def _name_operation(route: APIRoute) -> str:
    """Name operations `tag_function`: they become the methods of the SDK."""
    return f"{route.tags[0]}_{route.name}"
