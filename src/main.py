"""Puts the application together: the only place that knows every module."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware.cors import CORSMiddleware

from src import health, telemetry
from src.access import enforce_access, name_operation, require_access_rows
from src.auth.admin_router import router as auth_admin_router
from src.auth.api_keys import KeyUseRecorder
from src.auth.callers import Authenticator
from src.auth.first_admin import ensure_first_admin
from src.auth.limits import AttemptLimiter
from src.auth.passwords import Passwords
from src.auth.places import Places
from src.auth.router import router as auth_router
from src.auth.tokens import AccessTokens
from src.chat.engine import AnswerEngine
from src.chat.openai.router import router as openai_router
from src.chat.router import routers as chat_routers
from src.config import Settings
from src.database import Sessions, create_engine, create_readers, create_sessions, migrate
from src.documents.embedding import PassageEmbedder
from src.documents.exceptions import VectorsUnavailableError
from src.documents.indexing import DocumentIndexer
from src.documents.ingestion import IngestionService
from src.documents.progress import ProgressWatcher
from src.documents.queue import UserDataPurger
from src.documents.reading.reader import DocumentReader
from src.documents.router import router as documents_router
from src.documents.rows import DocumentRows
from src.documents.search import SearchService
from src.documents.storage import FileStorage, open_store
from src.documents.upkeep import UpkeepService
from src.documents.vectors.base import VectorIndex
from src.documents.vectors.edge import EdgeVectorIndex
from src.documents.vectors.server import ServerVectorIndex, create_qdrant_client
from src.documents.vectors.sparse import SparseEncoder
from src.documents.worker import DocumentWorker
from src.error_handlers import add_error_handlers
from src.exceptions import InvalidError
from src.llm.pulls import ModelPulls
from src.llm.router import router as llm_router
from src.llm.servers import open_servers
from src.llm.service import LLMService
from src.middleware import BodyLimitMiddleware, HostMiddleware, RequestContextMiddleware
from src.openapi import TAGS, DescribedAPI
from src.routes import API_PREFIX, RouteTable
from src.schemas import problem_responses
from src.statements import Statements
from src.telemetry import Sampler, configure_telemetry
from src.web.page import create_page_routes
from src.web.reference import create_reference_routes

log = structlog.get_logger(__name__)

VERSION = "0.1.0"
_MAX_JSON_BYTES = 1024 * 1024
_MAX_LARGE_JSON_BYTES = 20 * 1024 * 1024
# Images come as base64, and texts to embed by the thousand.
_LARGE_PATHS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
    f"{API_PREFIX}/chat/query",
    f"{API_PREFIX}/chat/query/stream",
)

_CORS_REQUEST_HEADERS = (
    *("Authorization", "X-API-Key", "X-Request-ID", "Content-Type", "Idempotency-Key"),
    *("Last-Event-ID", "Range", "If-None-Match", "If-Range"),
)
_CORS_RESPONSE_HEADERS = (
    *("X-Request-ID", "Retry-After", "ETag", "Content-Disposition", "Content-Range", "Allow"),
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What works on documents is made of, in the API and in other processes."""

    settings: Settings
    engine: AsyncEngine
    sessions: Sessions
    llm: LLMService
    pulls: ModelPulls
    vectors: VectorIndex
    storage: FileStorage
    sparse: SparseEncoder
    reader: DocumentReader


def create_app(settings: Settings, *, embedded: frozenset[str] = frozenset()) -> FastAPI:
    """Build the application. `settings` name a database and an Ollama; see `src.embedded`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            yield await _start(stack, settings, embedded)

    app = DescribedAPI(
        title="Colloquy",
        version=VERSION,
        summary="Chat with your own documents: every answer streamed and cited.",
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=name_operation,
        dependencies=[Depends(enforce_access)],
        # Its logs hold what exceptions say, and its own set-up keeps the queries of addresses.
        # Requests are measured where they are logged (docs/decisions/0105).
        telemetry={"logs": False, "metrics": False, "auto_configure": False},
    )
    app.add_middleware(
        BodyLimitMiddleware,
        max_bytes=_MAX_JSON_BYTES,
        unlimited=frozenset({f"{API_PREFIX}/documents"}),
        larger=dict.fromkeys(_LARGE_PATHS, _MAX_LARGE_JSON_BYTES),
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_CORS_REQUEST_HEADERS,
            expose_headers=_CORS_RESPONSE_HEADERS,
        )
    if settings.allowed_hosts:
        app.add_middleware(HostMiddleware, allowed=settings.allowed_hosts)
    app.add_middleware(RequestContextMiddleware)
    add_error_handlers(app)
    _include_routers(app)
    app.router.routes.extend(create_reference_routes(app))
    if settings.web.is_enabled:
        app.router.routes.extend(create_page_routes())
    require_access_rows(app)
    app.state.routes = RouteTable(app.routes)
    app.state.lifecycle = health.Lifecycle()
    return app


def _include_routers(app: FastAPI) -> None:
    responses = problem_responses(InvalidError)
    app.include_router(health.router, responses=responses)
    app.include_router(telemetry.router)
    for router in (auth_router, auth_admin_router, documents_router, *chat_routers, llm_router):
        app.include_router(router, responses=responses)
    app.include_router(openai_router)


async def _start(
    stack: AsyncExitStack, settings: Settings, embedded: frozenset[str]
) -> dict[str, Any]:
    """Open every client, each closed by the stack, and return the state that requests see."""
    configure_telemetry(settings)
    parts = await open_parts(stack, settings)
    passwords = Passwords(settings.auth)
    stack.callback(passwords.close)
    await ensure_first_admin(parts.sessions, passwords, settings.auth)
    if settings.documents.worker_concurrency:
        run_worker(stack, parts)
    sessions, llm = parts.sessions, parts.llm
    readers = create_readers(parts.engine)
    statements, tokens = Statements(parts.engine), _create_tokens(settings)
    search = SearchService(statements, parts.vectors, parts.sparse, llm, settings.documents)
    if settings.ollama.auto_pull:
        parts.pulls.start_missing()
    progress = ProgressWatcher(sessions)
    stack.push_async_callback(progress.close)
    answers = _open_answers(stack, settings, sessions, search, llm)
    run_sampler(stack, parts, answers)
    log.info(
        "ready", embedded=sorted(embedded), docs=f"http://{settings.host}:{settings.port}/docs"
    )
    return {
        "settings": settings,
        "embedded": embedded,
        "sessions": sessions,
        "readers": readers,
        "llm": llm,
        "pulls": parts.pulls,
        "vectors": parts.vectors,
        "storage": parts.storage,
        "search": search,
        "progress": progress,
        "answers": answers,
        "passwords": passwords,
        "tokens": tokens,
        "authenticator": Authenticator(statements, tokens, _open_key_uses(stack, sessions)),
        "statements": statements,
        "limiter": AttemptLimiter(settings.rate_limit),
        "places": Places(settings.rate_limit),
        "purger": UserDataPurger(),
    }


async def open_parts(stack: AsyncExitStack, settings: Settings) -> Parts:
    """Open what the API and a worker have in common."""
    engine = await _open_database(stack, settings)
    llm, pulls = await open_llm(stack, settings)
    vectors = await _open_vectors(stack, settings)
    reader = DocumentReader(settings.documents)
    stack.push_async_callback(reader.close)
    return Parts(
        settings=settings,
        engine=engine,
        sessions=create_sessions(engine),
        llm=llm,
        pulls=pulls,
        vectors=vectors,
        storage=FileStorage(open_store(settings.storage.url, settings.data_dir)),
        sparse=SparseEncoder(),
        reader=reader,
    )


async def _open_database(stack: AsyncExitStack, settings: Settings) -> AsyncEngine:
    assert settings.database.url is not None  # noqa: S101, see create_app
    url = settings.database.url.get_secret_value()
    await asyncio.to_thread(migrate, url)
    engine = create_engine(url, settings.database)
    stack.push_async_callback(engine.dispose)
    return engine


async def open_llm(stack: AsyncExitStack, settings: Settings) -> tuple[LLMService, ModelPulls]:
    ollama = settings.ollama
    chat = embed = await stack.enter_async_context(open_servers(ollama, ollama.urls))
    if ollama.embed_urls != ollama.urls:
        embed = await stack.enter_async_context(open_servers(ollama, ollama.embed_urls))
    pulls = ModelPulls(chat, embed, ollama)
    stack.push_async_callback(pulls.close)
    return LLMService(chat, embed, ollama), pulls


async def _open_vectors(stack: AsyncExitStack, settings: Settings) -> VectorIndex:
    vectors: VectorIndex
    if settings.qdrant.url is None:
        vectors = EdgeVectorIndex(settings.data_dir / "qdrant")
    else:
        vectors = ServerVectorIndex(create_qdrant_client(settings.qdrant), settings.qdrant)
    stack.push_async_callback(vectors.close)
    with contextlib.suppress(VectorsUnavailableError):
        await vectors.check()  # Warms it up; when it is away, /health/ready will say so.
    return vectors


def run_sampler(stack: AsyncExitStack, parts: Parts, answers: AnswerEngine | None = None) -> None:
    sampler = Sampler(parts.engine, parts.sessions, parts.llm, answers)
    stack.callback(asyncio.create_task(sampler.run()).cancel)


def run_worker(stack: AsyncExitStack, parts: Parts) -> None:
    limits = parts.settings.documents
    statements, vectors = Statements(parts.engine), parts.vectors
    rows = DocumentRows(parts.sessions, statements)
    embedder = PassageEmbedder(statements, parts.llm, cache_days=limits.embedding_cache_days)
    indexer = DocumentIndexer(rows, vectors, parts.sparse, embedder, limits)
    worker = DocumentWorker(
        parts.engine,
        IngestionService(rows, parts.storage, parts.reader, vectors, parts.llm, indexer),
        UpkeepService(rows, parts.storage, vectors, embedder),
        concurrency=limits.worker_concurrency,
    )
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


def _open_key_uses(stack: AsyncExitStack, sessions: Sessions) -> KeyUseRecorder:
    key_uses = KeyUseRecorder(sessions)
    stack.push_async_callback(key_uses.close)
    return key_uses


def _create_tokens(settings: Settings) -> AccessTokens:
    assert settings.auth.secret_key is not None  # noqa: S101, see create_app
    keys = [settings.auth.secret_key, *settings.auth.previous_secret_keys]
    return AccessTokens(
        [key.get_secret_value() for key in keys],
        timedelta(minutes=settings.auth.access_token_minutes),
    )
