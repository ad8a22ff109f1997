"""What an operator can watch, and who may."""

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from src.config import MetricsSettings, Settings
from src.main import create_app
from tests.fixtures.processes import ROOT, find_free_port, run_colloquy
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.fixtures.users import User, sign_up

DASHBOARD = ROOT / "deploy" / "grafana" / "colloquy.json"
TOKEN = "a token for Prometheus alone"
OURS = re.compile(r"\b(?:colloquy|http_server|process)_\w+")


async def read_metrics(url: str, **headers: str) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
        response = await http.get(f"{url}/metrics", headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/plain")
    return response.text


def list_names(metrics: str) -> set[str]:
    families = text_string_to_metric_families(metrics)
    return {sample.name for family in families for sample in family.samples}


@pytest.fixture
async def busy_user(user: User) -> User:
    """Somebody who did a little of everything."""
    await user.add_document("The lighthouse of Alexandria was built by Sostratus of Cnidus.")
    await user.ask("Who built the lighthouse?")
    await user.search("Who built the lighthouse?")
    await user.http.get("/nowhere")
    await user.http.post("/chat/query", json={"query": "Well?", "model": "fault-500"})
    return user


async def test_the_dashboard_shows_what_there_is(busy_user: User, server: LoopbackServer) -> None:
    assert busy_user.id
    expressions = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", [])
    ]
    assert len(expressions) > 20
    # Some of it is measured after a job, or once in a second.
    await watch(server.url, {name for each in expressions for name in OURS.findall(each)})


async def test_the_dashboard_leaves_nothing_of_ours_out(
    busy_user: User, server: LoopbackServer
) -> None:
    assert busy_user.id
    shown = set(OURS.findall(DASHBOARD.read_text()))
    ours = {
        re.sub(r"_(bucket|count|sum|created)$", "", name)
        for name in list_names(await read_metrics(server.url))
        if name.startswith("colloquy_")
    }
    assert {name for name in ours if not any(one.startswith(name) for one in shown)} == set()


async def test_labels_hold_routes_and_never_what_somebody_typed(
    busy_user: User, server: LoopbackServer
) -> None:
    await busy_user.http.get("/documents/0195d3a5-0000-7000-8000-000000000000")
    await busy_user.http.request("PROPFIND", "/documents")
    await server.wait_until_idle()
    metrics = await read_metrics(server.url)
    assert 'http_route="/api/v1/documents/{document_id}"' in metrics
    assert 'method="_OTHER",http_response_status_code="405"' in metrics
    assert "\nhttp_server_active_requests 1.0\n" in metrics  # The one that asks.
    for typed in (busy_user.id, busy_user.username, "nowhere", "0195d3a5", "PROPFIND"):
        assert typed not in metrics


async def test_without_a_token_only_the_machine_itself_reads_them(server: LoopbackServer) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
        for headers in (
            {"X-Forwarded-For": "203.0.113.9"},
            {"Forwarded": "for=203.0.113.9"},
            {"Host": "rebound.example"},
            {"Host": "rebound.example:8000"},
        ):
            response = await http.get(f"{server.url}/metrics", headers=headers)
            assert response.status_code == 403, headers
            assert response.json()["code"] == "metrics_forbidden"
    assert await read_metrics(server.url, Host="localhost")


async def test_with_a_token_only_who_has_it_reads_them(settings: Settings) -> None:
    metrics = MetricsSettings(token=SecretStr(TOKEN))
    own = settings.documents.model_copy(update={"worker_concurrency": 0})
    data_dir = settings.data_dir / "metrics"
    update = {"metrics": metrics, "documents": own, "data_dir": data_dir}
    async with run_server(create_app(settings.model_copy(update=update))) as server:
        assert await read_metrics(server.url, Authorization=f"Bearer {TOKEN}")
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            for given in ("", "Bearer no", "Bearer é"):
                headers = {b"Authorization": given.encode()}
                response = await http.get(f"{server.url}/metrics", headers=headers)
                assert response.status_code == 401
                assert response.headers["WWW-Authenticate"] == "Bearer"


class Collector:
    """Takes what a process exports, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.received: dict[str, bytes] = {}

    async def take(self, request: Request) -> Response:
        path = request.url.path
        self.received[path] = self.received.get(path, b"") + await request.body()
        return Response(media_type="application/x-protobuf")

    @property
    def traces(self) -> bytes:
        return self.received.get("/v1/traces", b"")


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    collector = Collector()
    route = Route("/v1/{kind}", collector.take, methods=["POST"])
    async with run_server(Starlette(routes=[route])) as server:
        yield collector, server.url


async def test_a_collector_gets_traces_and_metrics(
    collector: tuple[Collector, str], settings: Settings, tmp_path: Path
) -> None:
    heard, url = collector
    assert settings.ollama.url is not None
    async with (
        run_colloquy(
            tmp_path / "data",
            OLLAMA_URL=settings.ollama.url,
            OLLAMA_CHAT_MODEL="offline-chat",
            OLLAMA_EMBED_MODEL="offline-embed",
            OTEL_EXPORTER_OTLP_ENDPOINT=url,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_METRIC_EXPORT_INTERVAL="500",
        ) as colloquy,
        sign_up(colloquy.api_url) as user,
    ):
        await user.ask("Who built the lighthouse?")
        await user.http.get("/chat/search?q=a-very-private-search")
        await wait_until(lambda: b"/api/v1/chat/search" in heard.traces)
        await wait_until(lambda: b"colloquy.answers" in heard.received.get("/v1/metrics", b""))
    assert b"POST /api/v1/chat/query" in heard.traces
    assert b"search" in heard.traces
    for private in (b"a-very-private-search", b"lighthouse", user.token.encode()):
        assert private not in b"".join(heard.received.values())


async def test_a_worker_can_be_watched_too(settings: Settings, tmp_path: Path) -> None:
    assert settings.database.url is not None
    assert settings.ollama.url is not None
    port = find_free_port()
    environment = {
        "PATH": "/usr/bin:/bin",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": settings.database.url.get_secret_value(),
        "OLLAMA_URL": settings.ollama.url,
        "OLLAMA_CHAT_MODEL": "offline-chat",
        "OLLAMA_EMBED_MODEL": "offline-embed",
        "METRICS_WORKER_PORT": str(port),
        "METRICS_TOKEN": TOKEN,
    }
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "src.cli", "worker"), cwd=ROOT, env=environment
    )
    try:
        expected = {"colloquy_jobs_waiting", "colloquy_database_pool_in_use"}
        await watch(f"http://127.0.0.1:{port}", expected, Authorization=f"Bearer {TOKEN}")
    finally:
        worker.terminate()
        assert await worker.wait() == 0


async def watch(url: str, expected: set[str], **headers: str) -> None:
    """Look until a process shows what is expected of it."""
    missing = expected
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while missing:
                await asyncio.sleep(0.1)
                with contextlib.suppress(httpx.ConnectError):
                    missing = expected - list_names(await read_metrics(url, **headers))
    assert missing == set()
