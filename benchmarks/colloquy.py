"""A whole Colloquy in a temporary folder, and a user of it, for benchmarks."""

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import uvicorn

from src.config import LogSettings, RateLimitSettings, Settings
from src.embedded.models import run_offline_models
from src.embedded.services import run_missing_services
from src.logs import configure_logging
from src.main import create_app

_MANY = 10_000_000
# One user stands for many.
UNLIMITED = RateLimitSettings(
    requests_per_minute=_MANY,
    model_requests_per_minute=_MANY,
    uploads_per_minute=_MANY,
    streams_at_once=_MANY,
    uploads_at_once=_MANY,
)
UNLIMITED_ENVIRONMENT = {
    f"RATE_LIMIT_{name.upper()}": str(value)
    for name, value in UNLIMITED.model_dump(exclude_unset=True).items()
}


@asynccontextmanager
async def run_colloquy() -> AsyncIterator[str]:
    """Run it on whatever the environment names, or else on embedded parts; yields its URL."""
    with tempfile.TemporaryDirectory(prefix="colloquy-") as folder:
        settings = Settings(
            data_dir=Path(folder) / "data",
            log=LogSettings(level="WARNING"),
            rate_limit=UNLIMITED,
        )
        configure_logging(settings)
        async with run_missing_services(settings) as services:
            app = create_app(services.settings, embedded=services.embedded)
            server = uvicorn.Server(
                uvicorn.Config(app, port=0, log_config=None, proxy_headers=False)
            )
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)  # uvicorn sets no event
            port = server.servers[0].sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{port}/api/v1"
            finally:
                server.should_exit = True
                await serving


@asynccontextmanager
async def log_in(api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Register somebody; yields a client with their token."""
    account = {"username": f"bench-{secrets.token_hex(4)}", "password": "benchmark 1"}
    email = f"{account['username']}@example.org"
    async with httpx.AsyncClient(base_url=api_url, trust_env=False, timeout=120) as http:
        (await http.post("/auth/register", json=account | {"email": email})).raise_for_status()
        token = (await http.post("/auth/token", data=account)).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield http


async def upload(http: httpx.AsyncClient, paths: list[Path]) -> float:
    """Upload files in one request; return the seconds until all of them are ready."""
    started_at = asyncio.get_running_loop().time()
    await send_files(http, paths)
    await wait_until_ready(http)
    return asyncio.get_running_loop().time() - started_at


async def send_files(http: httpx.AsyncClient, paths: list[Path]) -> None:
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    (await http.post("/documents", files=files)).raise_for_status()


async def wait_until_ready(http: httpx.AsyncClient) -> None:
    while await _has_any(http, "pending") or await _has_any(http, "processing"):
        await asyncio.sleep(0.1)


async def _has_any(http: httpx.AsyncClient, status: str) -> bool:
    page = await http.get("/documents", params={"status": status, "limit": 1})
    return bool(page.json()["items"])


async def find_models(stack: AsyncExitStack, folder: Path) -> dict[str, str]:
    """Those that the environment names, or else the offline ones."""
    named = Settings().ollama
    if named.url is not None:
        names = {"chat_model": named.chat_model, "embed_model": named.embed_model}
        return {"url": named.url} | names
    url = await stack.enter_async_context(run_offline_models(folder / "models.log"))
    return {"url": url, "chat_model": "offline-chat", "embed_model": "offline-embed"}
