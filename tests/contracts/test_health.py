"""What those are told who restart a process, and who send it traffic."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from src.config import DatabaseSettings, DocumentSettings, OllamaSettings, Settings
from src.database import asyncpg_url
from src.doctor import examine
from src.embedded import run_postgres
from src.main import create_app
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import sign_up


async def check(url: str, what: str) -> tuple[int, dict[str, object]]:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
        response = await http.get(f"{url}/health/{what}")
    return response.status_code, response.json()


async def wait_until_well(url: str, what: str, part: str | None = None) -> dict[str, object]:
    """Ask until all is well, or a part is: those of a busy machine may not answer in time."""
    async with asyncio.timeout(60):
        while True:
            status, body = await check(url, what)
            told = body[part] if part else {"is_ready": status == 200}
            assert isinstance(told, dict)
            if told["is_ready"]:
                return body
            await asyncio.sleep(0.1)


async def test_each_part_tells_how_it_is(server: LoopbackServer) -> None:
    ready = await wait_until_well(server.url, "ready")
    assert ready["status"] == "ready"
    for name in ("database", "vectors", "models"):
        part = ready[name]
        assert isinstance(part, dict)
        assert part["is_ready"]
        assert part["latency_ms"] > 0
    assert (await wait_until_well(server.url, "serving"))["status"] == "serving"
    assert await wait_until_well(server.url, "startup") == {"status": "started"}


async def test_a_server_without_its_models_is_not_ready_and_serves_the_rest(
    settings: Settings, tmp_path: Path
) -> None:
    nowhere = OllamaSettings(url="http://127.0.0.1:9", chat_model="offline-chat")
    own = {
        "ollama": nowhere,
        "data_dir": tmp_path / "data",
        "documents": DocumentSettings(worker_concurrency=0),
    }
    async with run_server(create_app(settings.model_copy(update=own))) as server:
        assert await check(server.url, "live") == (200, {"status": "live"})
        assert await wait_until_well(server.url, "startup") == {"status": "started"}
        await wait_until_well(server.url, "serving")
        ready = await wait_until_well(server.url, "ready", "database")
        models = ready["models"]
        assert isinstance(models, dict)
        assert not models["is_ready"]
        assert models["detail"]
        assert (await check(server.url, "ready"))[0] == 503
        assert ready["status"] == "not_ready"
        async with sign_up(server.api_url) as user:
            assert (await user.http.get("/chat/sessions")).status_code == 200
            assert (await user.upload(("a.md", b"A text."))).status_code == 202


async def test_a_server_without_its_database_serves_nothing_until_it_is_back(
    settings: Settings, tmp_path: Path
) -> None:
    async with run_postgres(tmp_path / "postgres", settings={"fsync": "off"}) as url:
        own = {
            "database": DatabaseSettings(url=SecretStr(url)),
            "data_dir": tmp_path / "data",
            "documents": DocumentSettings(worker_concurrency=0),
        }
        async with (
            run_server(create_app(settings.model_copy(update=own))) as server,
            sign_up(server.api_url) as user,
        ):
            async with shut_out(url):
                assert await check(server.url, "live") == (200, {"status": "live"})
                assert await check(server.url, "startup") == (503, {"status": "starting"})
                status, serving = await check(server.url, "serving")
                assert (status, serving["status"]) == (503, "not_serving")
                assert (await check(server.url, "ready"))[0] == 503
                refused = await user.http.get("/auth/me")
                assert (refused.status_code, refused.json()["code"]) == (
                    503,
                    "database_unavailable",
                )
            for what in ("startup", "serving", "ready"):
                await wait_until_well(server.url, what)
            assert (await user.http.get("/auth/me")).status_code == 200


@asynccontextmanager
async def shut_out(database_url: str) -> AsyncIterator[None]:
    """Let nobody in to a database until the context exits, and end all who are."""
    plain = asyncpg_url(database_url).set(drivername="postgresql")
    connection = await asyncpg.connect(plain.render_as_string(hide_password=False))
    limit = f'ALTER DATABASE "{plain.database}" CONNECTION LIMIT'
    try:
        await connection.execute(f"{limit} 0")
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
        yield
        await connection.execute(f"{limit} -1")
    finally:
        await connection.close()


async def wait_for_stopping(colloquy: Colloquy) -> None:
    async with asyncio.timeout(60):
        while (await check(colloquy.url, "serving"))[1]["status"] != "stopping":
            await asyncio.sleep(0.02)


async def test_a_server_that_will_stop_says_so_and_goes_on_until_then(
    settings: Settings, tmp_path: Path
) -> None:
    """Nothing is measured: it goes on for as long as this test takes to look."""
    assert settings.ollama.url is not None
    async with run_colloquy(
        tmp_path / "data",
        OLLAMA_URL=settings.ollama.url,
        OLLAMA_CHAT_MODEL="offline-chat",
        OLLAMA_EMBED_MODEL="offline-embed",
        DRAIN_SECONDS="600",
    ) as colloquy:
        colloquy.process.send_signal(signal.SIGTERM)
        await wait_for_stopping(colloquy)
        for what, expected in {"serving": 503, "ready": 503, "live": 200}.items():
            assert (await check(colloquy.url, what))[0] == expected
        async with sign_up(colloquy.api_url) as user:
            assert (await user.ask("Well?", use_documents=False))["status"] == "completed"
        colloquy.process.send_signal(signal.SIGTERM)  # Whoever asks twice means now.
        await asyncio.wait_for(colloquy.process.wait(), 60)
    assert "Traceback" not in colloquy.log


@pytest.mark.usefixtures("server")  # It migrates the database.
@pytest.mark.parametrize("is_well", [True, False])
async def test_the_doctor_finds_what_is_wrong(
    settings: Settings, tmp_path: Path, *, is_well: bool
) -> None:
    assert settings.database.url is not None
    good = settings.model_copy(update={"data_dir": tmp_path})
    bad = settings.model_copy(
        update={
            "data_dir": Path("/proc/nowhere"),
            "database": DatabaseSettings(
                url=SecretStr("postgresql://somebody:hunter2@127.0.0.1:9/colloquy")
            ),
            "ollama": OllamaSettings(url="http://127.0.0.1:9"),
            "host": "0.0.0.0",  # noqa: S104, nothing listens
        }
    )
    findings = {finding.part: finding async for finding in examine(good if is_well else bad)}
    states = {part: finding.state for part, finding in findings.items()}
    if is_well:
        assert set(states.values()) == {"ok"}
        assert "offline-chat" in findings["models"].detail
        return
    assert {part for part, state in states.items() if state == "bad"} >= {
        *("database", "migrations", "models"),
    }
    assert states["settings"] == "note"
    assert "DATABASE_URL" in findings["database"].detail
    assert "hunter2" not in str(findings)
