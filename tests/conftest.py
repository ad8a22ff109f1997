"""The real parts that tests share: a PostgreSQL and the offline models for each test process.

Every test works as users of its own on a committed database: tenancy keeps tests apart.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import hypothesis
import pytest
import structlog
from pydantic import SecretStr

from src.config import (
    AuthSettings,
    ChatSettings,
    DatabaseSettings,
    OllamaSettings,
    RateLimitSettings,
    Settings,
)
from src.database import asyncpg_url
from src.embedded import run_postgres
from src.llm.offline.app import create_offline_app
from src.llm.offline.faults import FAULTS
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import User, sign_up

# How long an example takes tells how busy the machine is.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

# Every user of the tests comes from 127.0.0.1.
UNLIMITED = RateLimitSettings(
    login_failures_per_account=100_000,
    login_failures_per_address=100_000,
    refresh_failures_per_address=100_000,
    registrations_per_address=100_000,
    requests_per_minute=100_000,
    model_requests_per_minute=100_000,
    uploads_per_minute=100_000,
    streams_at_once=1_000,
    uploads_at_once=1_000,
)

UserFactory = Callable[[], Awaitable[User]]


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """The default of structlog shows the variables of every frame, which takes seconds."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    data_dir = tmp_path_factory.mktemp("postgres")
    unsafe = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    async with run_postgres(data_dir, settings=unsafe) as url:
        yield url


@pytest.fixture(scope="session")
async def offline_models() -> AsyncIterator[LoopbackServer]:
    """The offline models, with one more for each way in which a model server fails."""
    app = create_offline_app(faults=FAULTS, token_delay_seconds=0)
    async with run_server(app) as server:
        yield server


@pytest.fixture(scope="session")
def settings(
    database_url: str, offline_models: LoopbackServer, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a server on the shared parts. Tests change them with `model_copy`."""
    return make_settings(database_url, offline_models.url, tmp_path_factory.mktemp("data"))


@pytest.fixture
async def own(offline_models: LoopbackServer, tmp_path: Path) -> AsyncIterator[Settings]:
    """Settings with a database of their own, for what looks at every document there is."""
    unsafe = {"fsync": "off", "synchronous_commit": "off"}
    async with run_postgres(tmp_path / "postgres", settings=unsafe) as url:
        yield make_settings(url, offline_models.url, tmp_path / "data")


@pytest.fixture(scope="session")
async def server(settings: Settings) -> AsyncIterator[LoopbackServer]:
    async with run_server(create_app(settings)) as server:
        yield server


@pytest.fixture
async def anonymous(server: LoopbackServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.api_url, trust_env=False, timeout=100) as http:
        yield http


@pytest.fixture
async def make_user(server: LoopbackServer) -> AsyncIterator[UserFactory]:
    async with AsyncExitStack() as stack:

        async def make() -> User:
            return await stack.enter_async_context(sign_up(server.api_url))

        yield make


@pytest.fixture
async def user(make_user: UserFactory) -> User:
    return await make_user()


@pytest.fixture
async def stranger(make_user: UserFactory) -> User:
    return await make_user()


@pytest.fixture
async def admin(make_user: UserFactory, database_url: str) -> User:
    """Somebody whom an operator made an administrator."""
    user = await make_user()
    await execute(database_url, "UPDATE users SET role = 'admin' WHERE id = $1", UUID(user.id))
    return user


async def execute(database_url: str, statement: str, *arguments: object) -> str:
    """Run one statement beside the server."""
    connection = await asyncpg.connect(
        asyncpg_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        return await connection.execute(statement, *arguments)
    finally:
        await connection.close()


def make_settings(database_url: str, ollama_url: str, data_dir: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=data_dir,
        database=DatabaseSettings(url=SecretStr(database_url)),
        ollama=OllamaSettings(
            url=ollama_url,
            chat_model="offline-chat",
            embed_model="offline-embed",
            concurrency=64,
        ),
        auth=AuthSettings(
            secret_key=SecretStr("a secret of the tests, and of nothing else"),
            argon2_time_cost=1,
            argon2_memory_kib=8,
            argon2_parallelism=1,
        ),
        rate_limit=UNLIMITED,
        chat=ChatSettings(save_interval_seconds=0.05, shutdown_grace_seconds=0.2),
    )
