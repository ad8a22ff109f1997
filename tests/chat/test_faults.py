"""Every way in which a model server fails, by name: what callers get, and that nothing is left."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest

from src.config import Settings
from src.llm.offline.faults import FAULTS
from src.llm.service import LLMService
from src.main import create_app
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.fixtures.users import User, sign_up

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
    "fault-half-line": (502, "llm_invalid_response"),
    "fault-garbage": (502, "llm_invalid_response"),
    "fault-not-utf8": (502, "llm_invalid_response"),
    "fault-long-line": (502, "llm_invalid_response"),
    "fault-bytewise": ENDS_WELL,
    "fault-two-at-once": ENDS_WELL,
    "fault-no-newline": ENDS_WELL,
    "fault-late-text": ENDS_WELL,
    "fault-thinking": ENDS_WELL,
}


@pytest.fixture(scope="module")
async def impatient_server(settings: Settings) -> AsyncIterator[LoopbackServer]:
    deadlines = {"first_token_timeout_seconds": 1.0, "token_timeout_seconds": 1.0}
    changed = {
        "ollama": settings.ollama.model_copy(update=deadlines),
        "documents": settings.documents.model_copy(update={"worker_concurrency": 0}),
        "data_dir": settings.data_dir / "impatient",
    }
    async with run_server(create_app(settings.model_copy(update=changed))) as server:
        yield server


@pytest.fixture(scope="module")
async def asker(impatient_server: LoopbackServer) -> AsyncIterator[User]:
    async with sign_up(impatient_server.api_url) as user:
        yield user


def test_every_fault_has_an_outcome() -> None:
    names = {fault.family for fault in FAULTS if fault.capability == "completion"}
    # One that cites is no failure. How much arrives of a connection that breaks off is left open.
    assert set(OUTCOMES) == names - {"fault-cut", "fault-citing"}


@pytest.mark.parametrize("model", OUTCOMES)
async def test_a_fault_has_its_outcome_on_every_way(
    impatient_server: LoopbackServer, asker: User, model: str
) -> None:
    status, code = OUTCOMES[model]
    asked = {"query": "Hi", "model": model, "use_documents": False}
    answer = await asker.http.post("/chat/query", json=asked)
    assert answer.status_code == status
    assert answer.json().get("code", "completed") == code
    events = await asker.stream("Hi", model=model, use_documents=False)
    assert len([event for event in events if event.type in ("error", "message.completed")]) == 1
    assert events[-1].data.get("problem", {}).get("code", "completed") == code
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{impatient_server.url}/v1/chat/completions"
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
    impatient_server: LoopbackServer, asker: User, offline_models: LoopbackServer
) -> None:
    """No task of ours, no request at the model server, and no place in a queue."""
    llm: LLMService = impatient_server.lifespan.state["llm"]
    url = f"{impatient_server.url}/v1/chat/completions"
    await impatient_server.wait_until_idle()
    before = len(asyncio.all_tasks())
    for model in OUTCOMES:
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        await asyncio.gather(
            *(asker.http.post(url, json={**body, "stream": flag}) for flag in (False, True)),
            asker.http.post("/chat/query", json={"query": "Hi", "model": model}),
        )
    await impatient_server.wait_until_idle()
    await offline_models.wait_until_idle()
    gc.collect()
    await wait_until(lambda: len(asyncio.all_tasks()) <= before)
    assert llm.count_running() == 0
