"""Looks at everything that Colloquy is set up with, and says how to mend what does not work.

What has no URL is embedded: the server starts it, so that here only its folder is looked at.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, Literal
from uuid import uuid4

import alembic.script
from sqlalchemy import text

from src.auth.limits import AttemptLimiter
from src.config import Settings
from src.database import create_engine, create_sessions, load_migrations
from src.documents.storage import FileStorage, open_store
from src.documents.vectors.server import ServerVectorIndex, create_qdrant_client
from src.exceptions import AppError
from src.main import open_llm
from src.telemetry import TelemetryError, configure_telemetry

_TIMEOUT_SECONDS: Final = 10.0
_OLDEST_POSTGRESQL: Final = 140000
_LEAST_FREE_BYTES: Final = 2 * 1024**3


class BadStateError(Exception):
    """Something does not work; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    state: Literal["ok", "note", "bad"]
    detail: str


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is found, part by part."""
    checks: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "data folder": _check_data_dir,
        "database": _check_database,
        "migrations": _check_migrations,
        "vectors": _check_vectors,
        "models": _check_models,
        "storage": _check_storage,
        "rate limits": _check_limits,
        "telemetry": _check_telemetry,
    }
    for part, check in checks.items():
        yield await _examine(part, check(settings))
    for note in list_notes(settings):
        yield Finding("settings", "note", note)


def list_notes(settings: Settings) -> list[str]:
    """What works, and may still not be what was meant."""
    is_public = settings.host not in {"127.0.0.1", "::1", "localhost"}
    notes = {
        "Anybody who reaches the server may make an account. "
        "AUTH_IS_REGISTRATION_OPEN=false leaves that to administrators.": (
            is_public and settings.auth.is_registration_open
        ),
        "The server answers to any name it is called by. Set ALLOWED_HOSTS.": (
            is_public and not settings.allowed_hosts
        ),
        "Without TRUSTED_PROXIES everybody behind a proxy shares the proxy's address, and its "
        "limits.": is_public and not settings.trusted_proxies,
        "CORS_ORIGINS holds *: pages of any site may call the API with a token they have.": (
            "*" in settings.cors_origins
        ),
        "Counters are in memory: each process has its own. Set RATE_LIMIT_STORAGE_URL for a "
        "fleet.": (
            settings.environment == "production"
            and "memory" in settings.rate_limit.storage_url.get_secret_value()
        ),
    }
    return [note for note, is_due in notes.items() if is_due]


async def _examine(part: str, check: Awaitable[str]) -> Finding:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return Finding(part, "ok", await check)
    except TimeoutError:
        return Finding(part, "bad", f"No answer within {_TIMEOUT_SECONDS:g} seconds.")
    except AppError as error:
        return Finding(part, "bad", error.detail)
    except (BadStateError, TelemetryError) as error:
        return Finding(part, "bad", str(error))
    except Exception as error:  # noqa: BLE001, whatever a driver says, it is what is wrong
        return Finding(part, "bad", f"{type(error).__name__}: {error}")


async def _check_data_dir(settings: Settings) -> str:
    wanted = settings.data_dir.absolute()
    folder = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not os.access(folder, os.W_OK):
        raise BadStateError(f"{folder} cannot be written. Set DATA_DIR, or give us the folder.")
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise BadStateError(f"Only {free / 1024**3:.1f} GiB are free in {folder}. Make room.")
    return f"{free / 1024**3:.0f} GiB free"


async def _check_database(settings: Settings) -> str:
    if settings.database.url is None:
        return "embedded, started with the server"
    async with AsyncExitStack() as stack:
        engine = create_engine(settings.database.url.get_secret_value(), settings.database)
        stack.push_async_callback(engine.dispose)
        try:
            async with create_sessions(engine)() as session:
                number = int(await session.scalar(text("SHOW server_version_num")) or 0)
                most = int(await session.scalar(text("SHOW max_connections")) or 0)
        except AppError as error:
            cause = error.__cause__ or error
            raise BadStateError(f"{type(cause).__name__}: {cause}. Check DATABASE_URL.") from error
    if number < _OLDEST_POSTGRESQL:
        raise BadStateError(f"PostgreSQL {number // 10000} is too old; 14 or newer is needed.")
    return f"PostgreSQL {number // 10000}, {most} connections, {settings.database.pool_size} ours"


async def _check_migrations(settings: Settings) -> str:
    if settings.database.url is None:
        return "run at every start"
    scripts = alembic.script.ScriptDirectory.from_config(load_migrations())
    url = settings.database.url.get_secret_value()
    engine = create_engine(url, settings.database)
    try:
        async with create_sessions(engine)() as session:
            present = await session.scalar(text("SELECT version_num FROM alembic_version"))
    except Exception as error:
        raise BadStateError("The tables are not there. Run: colloquy migrate") from error
    finally:
        await engine.dispose()
    if present != scripts.get_current_head():
        raise BadStateError(f"The tables are at {present}. Run: colloquy migrate")
    return f"at {present}"


async def _check_vectors(settings: Settings) -> str:
    if settings.qdrant.url is None:
        return "embedded, started with the server"
    vectors = ServerVectorIndex(create_qdrant_client(settings.qdrant), settings.qdrant)
    try:
        return f"Qdrant, {len(await vectors.list_collections())} collections"
    finally:
        await vectors.close()


async def _check_models(settings: Settings) -> str:
    if settings.ollama.url is None:
        return "an Ollama on this machine if it answers, or else the offline models"
    async with AsyncExitStack() as stack:
        llm, _ = await open_llm(stack, settings)
        state = await llm.check()
    for part in (state.chat, state.embedding):
        if not part.is_ready:
            raise BadStateError(part.detail or "not ready")
    return f"Ollama {state.chat.version}, {state.chat.model} and {state.embedding.model}"


async def _check_storage(settings: Settings) -> str:
    if settings.storage.url is None:
        return "embedded, in the data folder"

    async def content() -> AsyncIterator[bytes]:
        yield b"doctor"

    storage = FileStorage(open_store(settings.storage.url, settings.data_dir))
    key = f"doctor/{uuid4()}"
    try:
        await storage.write(key, content())
        if await storage.read(key) != b"doctor":
            raise BadStateError("What was written is not what is read. Check STORAGE_URL.")
    finally:
        await storage.delete(key)
    return "written, read and deleted"


async def _check_limits(settings: Settings) -> str:
    limiter = AttemptLimiter(settings.rate_limit)
    if not limiter.is_elsewhere:
        return "counted in memory"
    if not await limiter.check_storage():
        raise BadStateError("Redis does not answer. Check RATE_LIMIT_STORAGE_URL.")
    return "counted in Redis"


async def _check_telemetry(settings: Settings) -> str:
    configure_telemetry(settings)
    names = ["Prometheus"]
    names += ["OpenTelemetry"] if settings.otel.exporter_otlp_endpoint else []
    names += ["Sentry"] if settings.sentry.dsn else []
    return ", ".join(names)
