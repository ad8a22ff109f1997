"""What ingestion stands on fails in the middle of it, and comes back: nothing is lost."""

import asyncio
import json
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from src.config import DocumentSettings, QdrantSettings, Settings
from src.documents.reconciler import Findings
from src.main import create_app
from src.operations import verify
from tests.fixtures.gates import hold_at
from tests.fixtures.models import MoodyModel, with_ollama
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.servers import run_server
from tests.fixtures.users import User, sign_up
from tests.fleet.qdrant import QdrantStandIn

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

TEXT = "\n\n".join(
    f"Lighthouse {n} shines. " + "Its lamp is lit at dusk. " * 50 for n in range(150)
)
NEEDLE = "Lighthouse 149"


async def send(user: User, name: str = "lamps.txt", text: str = TEXT) -> str:
    response = await user.upload((name, text.encode()))
    assert response.status_code == 202, response.text
    document_id: str = response.json()["results"][0]["document"]["id"]
    return document_id


async def wait_for_code(user: User, document_id: str, code: str) -> None:
    async with asyncio.timeout(60):
        while True:
            document = (await user.http.get(f"/documents/{document_id}")).json()
            if (document["status"], document["status_code"]) == ("pending", code):
                return
            assert document["status"] != "failed", document
            await asyncio.sleep(0.02)


class Breakable:
    """A server that breaks, and is mended, between two requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.state: Literal["well", "refusing", "hanging"] = "well"
        self.broken_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.state == "well":
            await self._app(scope, receive, send)
            return
        self.broken_requests += 1
        if self.state == "hanging":
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        refusal = JSONResponse({"status": {"error": "Service is overloaded"}}, 503)
        await refusal(scope, receive, send)


@asynccontextmanager
async def run_api(settings: Settings, **update: object) -> AsyncIterator[User]:
    changed = settings.model_copy(update=update)
    async with run_server(create_app(changed)) as server, sign_up(server.api_url) as user:
        yield user


@pytest.mark.parametrize("state", ["refusing", "hanging"])
async def test_a_vector_server_that_is_away(
    own: Settings, state: Literal["refusing", "hanging"]
) -> None:
    """Documents wait, searches say so, deletions are kept in mind."""
    qdrant = Breakable(QdrantStandIn().app)
    async with run_server(qdrant) as server:
        settings = own.model_copy(
            update={
                "qdrant": QdrantSettings(url=server.url, prefer_grpc=False, timeout_seconds=1),
                "documents": DocumentSettings(index_batch_size=16),
            }
        )
        async with run_api(settings) as user:
            old = await user.add_document("A harbour that was there before.", "old.txt")
            qdrant.state = state
            document_id = await send(user)
            await wait_for_code(user, document_id, "vectors_unavailable")
            answer = await user.http.post("/documents/search", json={"query": NEEDLE})
            assert (answer.status_code, answer.json()["code"]) == (503, "vectors_unavailable")
            assert (await user.http.delete(f"/documents/{old['id']}")).status_code == 204
            qdrant.state = "well"
            await user.wait_for(document_id, seconds=90)
            assert len([p for p in await user.search(NEEDLE) if NEEDLE in p["text"]]) == 1
            await wait_until_settled(settings)


async def wait_until_settled(settings: Settings) -> None:
    """The stores agree at last: purges may still be on their way."""
    async with asyncio.timeout(90):
        while (found := await verify(settings, mend=False)) != Findings():
            await asyncio.sleep(0.5)
    assert found == Findings()


FAILURES: dict[str, tuple[Response, str]] = {
    "busy": (JSONResponse({"error": "server busy, please try again"}, 503), "llm_unavailable"),
    "crashed": (JSONResponse({"error": "llama runner has terminated"}, 500), "llm_failed"),
    "not-a-number": (
        Response('{"embeddings":[[NaN,0.5]]}', media_type="application/json"),
        "llm_invalid_response",
    ),
    "too-few": (JSONResponse({"embeddings": []}), "llm_invalid_response"),
    "too-many": (JSONResponse({"embeddings": [[1.0, 0.5]] * 99}), "llm_invalid_response"),
    "other-dimension": (
        JSONResponse({"embeddings": [[1.0, 0.5, 0.1]] * 9}),
        "llm_invalid_response",
    ),
    "no-ollama": (Response("<h1>Welcome</h1>", media_type="text/html"), "llm_invalid_response"),
}


@pytest.mark.parametrize(("failure", "code"), FAILURES.values(), ids=FAILURES.keys())
async def test_a_model_server_that_fails(own: Settings, failure: Response, code: str) -> None:
    model = MoodyModel()
    text = "\n\n".join(f"Lamp {n} of the lighthouse. " * 60 for n in range(9))
    async with run_server(model.app) as ollama:
        settings = with_ollama(own, ollama)
        async with run_api(settings) as user:
            await user.add_document("The model is known by now.", "known.txt")
            model.failure = failure
            document_id = await send(user, text=text)
            await wait_for_code(user, document_id, code)
            model.failure = None
            document = await user.wait_for(document_id, seconds=90)
            assert (document["chunks_skipped"], document["status_code"]) == (0, None)
        assert await verify(settings, mend=False) == Findings()


async def test_a_model_server_that_hangs(own: Settings) -> None:
    model = MoodyModel()
    breakable = Breakable(model.app)
    async with run_server(breakable) as ollama:
        changed = own.ollama.model_copy(update={"url": ollama.url, "embed_timeout_seconds": 0.5})
        settings = own.model_copy(update={"ollama": changed})
        async with run_api(settings) as user:
            await user.add_document("The model is known by now.", "known.txt")
            breakable.state = "hanging"
            document_id = await send(user, text="A lighthouse shines.")
            await wait_for_code(user, document_id, "llm_timeout")
            breakable.state = "well"
            await user.wait_for(document_id, seconds=90)
        assert await verify(settings, mend=False) == Findings()


async def test_postgresql_dies_in_the_middle_of_ingestion(tmp_path: Path) -> None:
    """The embedded one, so that it comes back by itself; killed without a chance to tidy up."""
    data_dir = tmp_path / "data"
    async with run_colloquy(data_dir) as colloquy, sign_up(colloquy.api_url) as user:
        await user.add_document("Everything runs.")
        postmaster = next(
            child for child in colloquy.list_children() if child.name().startswith("postgres")
        )
        document_id = await send(user)
        await wait_for(user, document_id, lambda document: document["chunks_done"] > 0)
        postmaster.send_signal(signal.SIGKILL)
        await wait_for_end(colloquy, user, document_id)
        found = await user.search(NEEDLE)
        assert len([p for p in found if NEEDLE in p["text"]]) == 1
        listed = (await user.http.get("/documents")).json()["items"]
        assert [document["status"] for document in listed] == ["ready"] * 2
        await colloquy.stop()


async def wait_for(
    user: User, document_id: str, condition: Callable[[dict[str, int]], bool]
) -> None:
    async with asyncio.timeout(60):
        while not condition((await user.http.get(f"/documents/{document_id}")).json()):
            await asyncio.sleep(0.005)


async def wait_for_end(colloquy: Colloquy, user: User, document_id: str) -> None:
    """As any client would: a database that is away is an answer of 503, and worth another try."""
    async with asyncio.timeout(120):
        while True:
            response = await user.http.get(f"/documents/{document_id}")
            assert response.status_code in (200, 503), colloquy.log
            if response.status_code == 200 and response.json()["status"] == "ready":
                return
            await asyncio.sleep(0.1)


async def test_tags_that_change_while_passages_are_indexed(own: Settings) -> None:
    """What was written with the old ones is mended before the document is ready."""
    assert own.database.url is not None
    url = own.database.url.get_secret_value()
    async with run_api(own) as user:
        await user.add_document("The index is there by now.", "first.txt", tags="old")
        fields = {"title": "Lamps", "tags": "old"}
        async with hold_at(url, "INSERT", "cached_embeddings", "true") as gate:
            answer = (await user.upload(("lamps.txt", TEXT.encode()), fields=fields)).json()
            document_id = answer["results"][0]["document"]["id"]
            await gate.wait_until_reached()
            changed = await user.http.patch(f"/documents/{document_id}", json={"tags": ["new"]})
            assert changed.status_code == 200
        document = await user.wait_for(document_id, seconds=90)
        assert document["tags"] == ["new"]
        for needle in ("Lighthouse 0", NEEDLE):  # Of the first batch and of the last.
            assert needle in (await user.search(needle, tags=["new"]))[0]["text"]
            assert needle not in str(await user.search(needle, tags=["old"]))
    await wait_until_settled(own)


async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """The upload is refused with nothing left of it; with room again it is taken."""
    data_dir = tmp_path / "data"
    content = json.dumps(TEXT * 20).encode()
    async with run_colloquy(data_dir) as colloquy, sign_up(colloquy.api_url) as user:
        free = resource.prlimit(colloquy.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(colloquy.process.pid, resource.RLIMIT_FSIZE, (1_000_000, free[1]))
        refused = await user.upload(("lamps.txt", content))
        assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
        assert (await user.http.get("/documents")).json()["items"] == []
        assert [p for p in (data_dir / "files").rglob("*") if p.is_file()] == []
        resource.prlimit(colloquy.process.pid, resource.RLIMIT_FSIZE, free)
        assert (await user.upload(("lamps.txt", content))).status_code == 202
        await colloquy.stop()
