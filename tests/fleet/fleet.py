"""A whole deployment on this machine: two APIs, two workers, PostgreSQL, Redis, vectors."""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.fleet.parts import (
    COLLOQUY,
    HOST,
    Part,
    answers_http,
    find_free_port,
    find_program,
    make_postgres,
    make_redis,
    postgres_url,
)

ROOT = Path(__file__).parents[2]
_IDLE_SECONDS = 180
_PACKAGES = {"postgres": "postgresql", "redis-server": "redis-server"}


@dataclass
class Fleet:
    folder: Path
    env: Mapping[str, str]
    postgres: Part
    redis: Part
    vectors: Part
    apis: tuple[Part, Part]
    workers: tuple[Part, Part]

    @property
    def parts(self) -> list[Part]:
        return [self.postgres, self.redis, self.vectors, *self.apis, *self.workers]

    @property
    def database_url(self) -> str:
        return self.env["DATABASE_URL"]

    @property
    def api_urls(self) -> list[str]:
        return [api.api_url for api in self.apis]

    def get_part(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    async def run(self, *arguments: str) -> tuple[int, str]:
        """Run a `colloquy` command beside the fleet, and return its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(COLLOQUY, *arguments),
            cwd=self.folder,
            env={**self.env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode()


def find_missing() -> list[str]:
    """Name the Debian packages that a fleet needs and this machine lacks."""
    return [package for program, package in _PACKAGES.items() if find_program(program) is None]


@asynccontextmanager
async def run_fleet(folder: Path, models_url: str, **settings: str) -> AsyncIterator[Fleet]:
    """Run the fleet in `folder`, all of it ready; killed at the end."""
    fleet = await _make_fleet(folder, models_url, settings)
    try:
        for part in (fleet.postgres, fleet.redis, fleet.vectors):
            await part.start()
        await asyncio.gather(*(part.start() for part in (*fleet.apis, *fleet.workers)))
        yield fleet
    finally:
        for part in reversed(fleet.parts):
            if part.is_running:
                await part.kill()


async def wait_until_idle(fleet: Fleet) -> None:
    """Wait until the queue is empty: what is deleted is purged after it was acknowledged."""
    connection = await asyncpg.connect(fleet.database_url)
    try:
        async with asyncio.timeout(_IDLE_SECONDS):
            while await connection.fetchval("SELECT count(*) FROM pgqueuer"):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _make_fleet(folder: Path, models_url: str, settings: Mapping[str, str]) -> Fleet:
    ports = {name: find_free_port() for name in ("postgres", "redis", "vectors")}
    password = secrets.token_urlsafe(16)
    env = {
        "PATH": "/usr/bin:/bin",
        "ENVIRONMENT": "production",
        "DATABASE_URL": postgres_url(ports["postgres"], password),
        "QDRANT_URL": f"http://{HOST}:{ports['vectors']}",
        "QDRANT_PREFER_GRPC": "false",
        "OLLAMA_URL": models_url,
        "OLLAMA_CHAT_MODEL": "offline-chat",
        "OLLAMA_EMBED_MODEL": "offline-embed",
        "STORAGE_URL": f"file://{_make_dir(folder / 'files')}",
        "AUTH_SECRET_KEY": secrets.token_urlsafe(48),
        "AUTH_ARGON2_TIME_COST": "1",
        "AUTH_ARGON2_MEMORY_KIB": "1024",
        "RATE_LIMIT_STORAGE_URL": f"async+redis://{HOST}:{ports['redis']}/0",
        "TRUSTED_PROXIES": f'["{HOST}/32"]',
        # Every user of a test comes from one address.
        "RATE_LIMIT_REGISTRATIONS_PER_ADDRESS": "1000000",
        "RATE_LIMIT_LOGIN_FAILURES_PER_ADDRESS": "1000000",
        "RATE_LIMIT_REFRESH_FAILURES_PER_ADDRESS": "1000000",
        "RATE_LIMIT_REQUESTS_PER_MINUTE": "1000000",
        "RATE_LIMIT_MODEL_REQUESTS_PER_MINUTE": "1000000",
        "RATE_LIMIT_UPLOADS_PER_MINUTE": "1000000",
        **settings,
    }
    return Fleet(
        folder,
        env,
        await make_postgres(folder, ports["postgres"], password),
        make_redis(folder, ports["redis"]),
        _make_vectors(folder, ports["vectors"]),
        (_make_api(folder, env, "api-1"), _make_api(folder, env, "api-2")),
        (_make_worker(folder, env, "worker-1"), _make_worker(folder, env, "worker-2")),
    )


def _make_dir(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _make_vectors(folder: Path, port: int) -> Part:
    url = f"http://{HOST}:{port}"
    argv = [sys.executable, "-m", "tests.fleet.qdrant", str(port)]
    env = {"PYTHONPATH": str(ROOT)}
    return Part("vectors", argv, folder, lambda _: answers_http(f"{url}/collections"), env, url)


def _make_api(folder: Path, env: Mapping[str, str], name: str) -> Part:
    port = find_free_port()
    url = f"http://{HOST}:{port}"
    own = {**env, "PORT": str(port), "DOCUMENTS_WORKER_CONCURRENCY": "0"}
    argv = [COLLOQUY, "serve"]
    return Part(name, argv, folder, lambda _: answers_http(f"{url}/health/ready"), own, url)


def _make_worker(folder: Path, env: Mapping[str, str], name: str) -> Part:
    port = find_free_port()

    async def works(part: Part) -> bool:
        """A worker has no API to ask; it says when it begins."""
        return "working" in part.log

    own = {**env, "METRICS_WORKER_PORT": str(port)}
    return Part(name, [COLLOQUY, "worker"], folder, works, own, f"http://{HOST}:{port}")
