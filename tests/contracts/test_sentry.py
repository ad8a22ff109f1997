"""What Sentry is told of an error that nobody expected, and what it never is."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from src.config import Settings
from src.embedded import run_postgres
from tests.conftest import execute
from tests.fixtures.processes import run_colloquy
from tests.fixtures.servers import run_server
from tests.fixtures.users import PASSWORD, sign_up

CANARY = "canary"


@dataclass
class Sentry:
    """Takes whatever it is sent, as Sentry does."""

    dsn: str = ""
    envelopes: list[str] = field(default_factory=list)

    async def receive(self, request: Request) -> JSONResponse:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.envelopes.append(body.decode())
        return JSONResponse({})

    async def wait_for(self, text: str) -> str:
        async with asyncio.timeout(60):
            while not (found := [each for each in self.envelopes if text in each]):
                await asyncio.sleep(0.05)
        return found[0]


@pytest.fixture
async def sentry() -> AsyncIterator[Sentry]:
    sentry = Sentry()
    routes = [Route("/api/1/envelope/", sentry.receive, methods=["POST"])]
    async with run_server(Starlette(routes=routes)) as server:
        sentry.dsn = server.url.replace("http://", "http://public@") + "/1"
        yield sentry


@pytest.fixture
async def own_database_url(tmp_path: Path) -> AsyncIterator[str]:
    """A database to break."""
    async with run_postgres(tmp_path) as url:
        yield url


async def test_sentry_hears_what_went_wrong_and_nothing_that_people_wrote(
    sentry: Sentry, own_database_url: str, settings: Settings, tmp_path: Path
) -> None:
    assert settings.ollama.url is not None
    async with (
        run_colloquy(
            tmp_path / "data",
            DATABASE_URL=own_database_url,
            OLLAMA_URL=settings.ollama.url,
            OLLAMA_CHAT_MODEL="offline-chat",
            OLLAMA_EMBED_MODEL="offline-embed",
            SENTRY_DSN=sentry.dsn,
        ) as colloquy,
        sign_up(colloquy.api_url) as user,
    ):
        await user.add_document(f"The {CANARY} sings in the mine.", title=f"A {CANARY}")
        await user.ask(f"Where does the {CANARY} sing?")
        # Nothing looks at the chats but whoever is asked to.
        await execute(own_database_url, "ALTER TABLE chat_sessions RENAME TO gone")
        body = {"query": f"Does the {CANARY} sing?"}
        failed = await user.http.post(f"/chat/query?{CANARY}=1", json=body)
        assert (failed.status_code, failed.json()["code"]) == (500, "internal_error")
        exception = await sentry.wait_for('"stacktrace"')
        assert await colloquy.stop() == 0
    assert "UndefinedTable" in exception
    assert '"method":"POST"' in exception
    told = "".join(sentry.envelopes)
    assert told.count('"level":"error"') == 1
    for secret in (CANARY, user.token, user.refresh_token, user.username, PASSWORD):
        assert secret not in told
