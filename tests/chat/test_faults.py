"""Every way in which a model server fails, by name: what callers get, and that nothing is left."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from src.config import Settings
from src.llm.offline.faults import FAULTS
from src.llm.offline.library import OfflineModel
from src.llm.service import LLMService
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.fixtures.users import User, sign_up

TABLE = Path(__file__).parents[2] / "docs" / "faults.md"
ENDS_WELL = (200, "completed")
OUTCOMES = {
    "fault-busy": (503, "llm_unavailable"),
    "fault-500": (502, "llm_failed"),
    "fault-html-502": (503, "llm_unavailable"),
    "fault-html-504": (504, "llm_timeout"),
    "fault-html-404": (502, "llm_invalid_response"),
    "fault-403": (503, "llm_unavailable"),
    "fault-redirect": (502, "llm_invalid_response"),
    "fault-removed": (404, "model_not_found"),
    "fault-capability": (400, "model_capability_missing"),
    "fault-context": (400, "context_length_exceeded"),
    "fault-stall-first": (504, "llm_timeout"),
    "fault-stall-mid": (504, "llm_timeout"),
    "fault-error-first": (502, "llm_failed"),
    "fault-error-mid": (502, "llm_failed"),
    "fault-eof": (502, "llm_invalid_response"),
    "fault-eof-first": (502, "llm_invalid_response"),
    "fault-cut": (503, "llm_unavailable"),
    "fault-half-line": (502, "llm_invalid_response"),
    "fault-garbage": (502, "llm_invalid_response"),
    "fault-not-utf8": (502, "llm_invalid_response"),
    "fault-long-line": (502, "llm_invalid_response"),
    "fault-bytewise": ENDS_WELL,
    "fault-two-at-once": ENDS_WELL,
    "fault-no-newline": ENDS_WELL,
    "fault-late-text": ENDS_WELL,
    "fault-tools": ENDS_WELL,
    "fault-thinking": ENDS_WELL,
}


EMBED_OUTCOMES = {
    "fault-embed-busy": (503, "llm_unavailable"),
    "fault-embed-stall": (504, "llm_timeout"),
    "fault-embed-garbage": (502, "llm_invalid_response"),
    "fault-embed-context": (400, "context_length_exceeded"),
    "fault-count": (502, "llm_invalid_response"),
    "fault-no-vectors": (502, "llm_invalid_response"),
    "fault-dimensions": (502, "llm_invalid_response"),
    "fault-zero": (502, "llm_invalid_response"),
    "fault-tiny": (502, "llm_invalid_response"),
    "fault-huge": (502, "llm_invalid_response"),
    "fault-nan": (502, "llm_invalid_response"),
}


@dataclass
class FailingEmbedder:
    """A model server with one embedding model, which fails in the way a test chooses."""

    fault: OfflineModel | None = None

    @property
    def app(self) -> Starlette:
        answers = {"tags": self._tags, "show": self._show, "embed": self._embed}
        return Starlette(
            routes=[Route(f"/api/{n}", a, methods=["GET", "POST"]) for n, a in answers.items()]
        )

    async def _tags(self, _: Request) -> Response:
        return JSONResponse({"models": [{"name": "failing:latest", "digest": "d1"}]})

    async def _show(self, _: Request) -> Response:
        return JSONResponse({"capabilities": ["embedding"]})

    async def _embed(self, _: Request) -> Response:
        assert self.fault is not None
        assert self.fault.misbehave is not None
        return self.fault.misbehave()


@dataclass(frozen=True)
class Api:
    server: LoopbackServer
    user: User


@asynccontextmanager
async def run_api(settings: Settings, folder: str, **ollama: object) -> AsyncIterator[Api]:
    app = create_app(_change(settings, folder, **ollama))
    async with run_server(app) as server, sign_up(server.api_url) as user:
        yield Api(server, user)


@pytest.fixture(scope="module")
async def embedding(settings: Settings) -> AsyncIterator[tuple[FailingEmbedder, Api, Api]]:
    """A model server, and both kinds of clients of it."""
    embedder = FailingEmbedder()
    async with run_server(embedder.app) as upstream:
        failing = {"embed_url": upstream.url, "embed_model": "failing"}
        stalling = {**failing, "embed_timeout_seconds": 1}
        async with (
            run_api(settings, "patient-embedding", **failing) as patient,
            run_api(settings, "impatient-embedding", **stalling) as impatient,
        ):
            yield embedder, patient, impatient


@pytest.fixture(scope="module")
async def patient(settings: Settings) -> AsyncIterator[Api]:
    async with run_api(settings, "patient") as api:
        yield api


@pytest.fixture(scope="module")
async def impatient(settings: Settings) -> AsyncIterator[Api]:
    """For models that stall: others may take longer on a busy machine."""
    deadlines = {"first_token_timeout_seconds": 1.0, "token_timeout_seconds": 1.0}
    async with run_api(settings, "impatient", **deadlines) as api:
        yield api


def _change(settings: Settings, folder: str, **ollama: object) -> Settings:
    changed = {
        "ollama": settings.ollama.model_copy(update=ollama),
        "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
        "data_dir": settings.data_dir / folder,
    }
    return settings.model_copy(update=changed)


def test_every_fault_has_an_outcome() -> None:
    names = {fault.family for fault in FAULTS}
    assert OUTCOMES.keys() | EMBED_OUTCOMES == names - {"fault-citing"}  # That is no failure.


def test_the_table_in_the_docs_is_what_happens() -> None:
    rows = re.findall(r"(?m)^\| `(fault-[\w-]+)` \|.*\| (\d{3}) `(\w+)` \|$", TABLE.read_text())
    assert {name: (int(status), code) for name, status, code in rows} == OUTCOMES | EMBED_OUTCOMES


@pytest.mark.parametrize("name", EMBED_OUTCOMES)
async def test_a_fault_of_embedding_has_its_outcome(
    embedding: tuple[FailingEmbedder, Api, Api], name: str
) -> None:
    model, patient, impatient = embedding
    (model.fault,) = [fault for fault in FAULTS if fault.family == name]
    status, code = EMBED_OUTCOMES[name]
    api = impatient if "stall" in name else patient
    plain = await api.user.http.post("/llm/embeddings", json={"texts": ["Hi"]})
    body = {"model": "failing", "input": "Hi"}
    openai = await api.user.http.post(f"{api.server.url}/v1/embeddings", json=body)
    assert (plain.status_code, plain.json()["code"]) == (status, code)
    assert (openai.status_code, openai.json()["error"]["code"]) == (status, code)
    llm: LLMService = api.server.lifespan.state["llm"]
    assert llm.count_running() == 0


@pytest.mark.parametrize("model", OUTCOMES)
async def test_a_fault_has_its_outcome_on_every_way(
    patient: Api, impatient: Api, model: str
) -> None:
    status, code = OUTCOMES[model]
    api = impatient if "stall" in model else patient
    asker = api.user
    asked = {"query": "Hi", "model": model, "use_documents": False}
    answer = await asker.http.post("/chat/query", json=asked)
    assert answer.status_code == status
    assert answer.json().get("code", "completed") == code
    events = await asker.stream("Hi", model=model, use_documents=False)
    assert len([event for event in events if event.type in ("error", "message.completed")]) == 1
    assert events[-1].data.get("problem", {}).get("code", "completed") == code
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{api.server.url}/v1/chat/completions"
    whole = await asker.http.post(url, json=body)
    assert whole.status_code == status
    assert whole.json().get("error", {}).get("code", "completed") == code
    streamed = await asker.http.post(url, json={**body, "stream": True})
    assert streamed.text.endswith("data: [DONE]\n\n") is (status == 200)
    assert status == 200 or code in streamed.text
    check_secrets([answer, whole, streamed])


def check_secrets(responses: list[httpx.Response]) -> None:
    for response in responses:
        assert "127.0.0.1" not in response.text
        assert "/root" not in response.text


async def test_no_fault_leaves_anything_behind(
    impatient: Api, offline_models: LoopbackServer
) -> None:
    """No task of ours, no socket to the model server, no request there, no place in a queue."""
    server, asker = impatient.server, impatient.user
    llm: LLMService = server.lifespan.state["llm"]
    url = f"{server.url}/v1/chat/completions"
    await server.wait_until_idle()
    before = len(asyncio.all_tasks())
    for model in OUTCOMES:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        await asyncio.gather(
            *(asker.http.post(url, json={**body, "stream": flag}) for flag in (False, True)),
            asker.http.post("/chat/query", json={"query": "Hi", "model": model}),
        )
    await server.wait_until_idle()
    await offline_models.wait_until_idle()
    gc.collect()
    await wait_until(lambda: len(asyncio.all_tasks()) <= before)
    assert llm.count_running() == 0
    port = int(offline_models.url.rpartition(":")[2])
    await wait_until(lambda: not list_sockets(port))  # Idle ones are kept for a moment.


def list_sockets(port: int) -> list[object]:
    """List the open connections of this process to a port."""
    connections = psutil.Process().net_connections("tcp")
    return [
        one
        for one in connections
        if one.status == psutil.CONN_ESTABLISHED and one.raddr.port == port
    ]
