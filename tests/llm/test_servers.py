"""Several model servers that stand in for each other, some of which fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

import pytest
from starlette.responses import JSONResponse

from src.config import OllamaSettings
from src.llm.exceptions import LLMFailedError, LLMUnavailableError, ModelNotFoundError
from src.llm.schemas import ChatMessage
from src.llm.servers import ModelServers, open_servers
from src.llm.service import LLMService
from tests.fixtures.processes import find_free_port
from tests.fixtures.servers import LoopbackServer, run_server, wait_until
from tests.llm.scripted import ScriptedModel, ScriptedServer

PATIENCE_SECONDS = 30
MESSAGES = [ChatMessage("user", "Is it so?")]


@dataclass
class Host:
    """A model server that can be stopped and started again at the same address."""

    ollama: ScriptedServer
    port: int = field(default_factory=find_free_port)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    server: LoopbackServer | None = None

    @property
    def asked(self) -> int:
        return len(self.ollama.bodies_of("chat"))

    async def start(self) -> None:
        running = run_server(self.ollama.app, port=self.port)
        self.server = await self.stack.enter_async_context(running)

    async def stop(self) -> None:
        await self.stack.aclose()


@dataclass
class Fleet:
    hosts: list[Host]
    servers: ModelServers
    llm: LLMService

    async def ask(self, name: str | None = None) -> str:
        model = await self.llm.resolve_chat_model(name)
        async with aclosing(self.llm.stream_chat(model, MESSAGES)) as chunks:
            return "".join([chunk.content async for chunk in chunks])

    def hold(self) -> None:
        for host in self.hosts:
            host.ollama.may_answer.clear()

    def release(self) -> None:
        for host in self.hosts:
            host.ollama.may_answer.set()

    @property
    def asked(self) -> list[int]:
        return [host.asked for host in self.hosts]


def make_models() -> dict[str, ScriptedModel]:
    return {
        "llama3.2:latest": ScriptedModel(),
        "nomic-embed-text:latest": ScriptedModel(capabilities=["embedding"]),
    }


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """Three servers, each of which works on one question at a time."""
    hosts = [Host(ScriptedServer(make_models())) for _ in range(3)]
    async with AsyncExitStack() as stack:
        for host in hosts:
            await host.start()
            stack.push_async_callback(host.stop)
        settings = OllamaSettings(concurrency=1, embed_concurrency=1, recovery_seconds=0.05)
        urls = [f"127.0.0.1:{host.port}" for host in hosts]
        servers = await stack.enter_async_context(open_servers(settings, urls))
        fleet = Fleet(hosts, servers, LLMService(servers, servers, settings))
        yield fleet
        fleet.release()


async def test_questions_go_to_the_least_busy(fleet: Fleet) -> None:
    fleet.hold()
    questions = [asyncio.create_task(fleet.ask()) for _ in range(3)]
    await wait_until(lambda: fleet.asked == [1, 1, 1], PATIENCE_SECONDS)
    fleet.release()
    assert await asyncio.gather(*questions) == ["HalfYes."] * 3


async def test_each_server_has_its_own_places(fleet: Fleet) -> None:
    fleet.hold()
    questions = [asyncio.create_task(fleet.ask()) for _ in range(3)]
    await wait_until(lambda: sum(fleet.asked) == 3, PATIENCE_SECONDS)
    positions: list[int] = []
    model = await fleet.llm.resolve_chat_model(None)
    fourth = fleet.llm.stream_chat(model, MESSAGES, report_position=positions.append)
    reading = asyncio.create_task(anext(fourth))
    await wait_until(lambda: positions == [1], PATIENCE_SECONDS)
    assert sum(fleet.asked) == 3
    fleet.hosts[1].ollama.may_answer.set()
    await reading
    assert fleet.asked == [1, 2, 1]
    fleet.release()
    await asyncio.gather(*questions)
    await fourth.aclose()
    assert fleet.llm.count_running() == 0


async def test_a_server_without_the_model_is_not_asked(fleet: Fleet) -> None:
    fleet.hosts[2].ollama.models["qwen3:8b"] = ScriptedModel()
    for _ in range(3):
        assert await fleet.ask("QWEN3:8b") == "Yes."
    assert fleet.asked == [0, 0, 3]
    assert "qwen3:8b" in [model.name for model in await fleet.llm.list_models()]


async def test_a_server_with_another_version_of_the_model_is_not_asked(fleet: Fleet) -> None:
    fleet.hosts[1].ollama.models["llama3.2:latest"] = ScriptedModel(digest="d2")
    fleet.hold()
    questions = [asyncio.create_task(fleet.ask()) for _ in range(2)]
    await wait_until(lambda: fleet.asked == [1, 0, 1], PATIENCE_SECONDS)
    fleet.release()
    await asyncio.gather(*questions)


async def test_a_question_for_a_dead_server_goes_to_another(fleet: Fleet) -> None:
    await fleet.ask()
    first = fleet.asked.index(1)
    await fleet.hosts[first].stop()
    assert [await fleet.ask() for _ in range(3)] == ["Yes."] * 3
    assert [server.is_aside for server in fleet.servers.servers].count(True) == 1
    assert fleet.hosts[first].asked == 1


async def test_a_server_that_is_back_is_used_again(fleet: Fleet) -> None:
    await fleet.ask()
    await fleet.hosts[0].stop()
    await fleet.llm.check()
    assert len(fleet.servers.list_well()) == 2
    fleet.hold()
    questions = [asyncio.create_task(fleet.ask()) for _ in range(3)]
    await wait_until(lambda: sum(fleet.asked[1:]) == 2, PATIENCE_SECONDS)
    before = fleet.hosts[0].asked
    await fleet.hosts[0].start()
    await wait_until(lambda: fleet.hosts[0].asked == before + 1, PATIENCE_SECONDS)
    fleet.release()
    await asyncio.gather(*questions)


async def test_a_server_that_dies_midway_ends_its_answer(fleet: Fleet) -> None:
    """The caller has seen a half: another server would begin anew."""
    fleet.hold()
    model = await fleet.llm.resolve_chat_model(None)
    async with aclosing(fleet.llm.stream_chat(model, MESSAGES)) as chunks:
        assert (await anext(chunks)).content == "Half"
        (dying,) = [host for host in fleet.hosts if host.asked]
        await dying.stop()
        with pytest.raises(LLMUnavailableError, match="broke off"):
            await anext(chunks)
    assert sum(fleet.asked) == 1
    fleet.release()
    assert [await fleet.ask() for _ in range(2)] == ["Yes."] * 2
    assert dying.asked == 1
    assert fleet.llm.count_running() == 0


async def test_a_model_that_is_only_on_a_dead_server_is_unavailable(fleet: Fleet) -> None:
    fleet.hosts[0].ollama.models["qwen3:8b"] = ScriptedModel()
    await fleet.ask("qwen3:8b")
    await fleet.hosts[0].stop()
    for _ in range(2):
        with pytest.raises(LLMUnavailableError):
            await fleet.ask("qwen3:8b")
    with pytest.raises(ModelNotFoundError):
        await fleet.ask("mistral")


async def test_nothing_is_called_unknown_while_a_server_was_never_heard(fleet: Fleet) -> None:
    await fleet.hosts[1].stop()
    with pytest.raises(LLMUnavailableError):
        await fleet.ask("mistral")
    assert await fleet.ask() == "Yes."


async def test_a_model_that_was_removed_by_hand_is_found_elsewhere(fleet: Fleet) -> None:
    await fleet.llm.resolve_chat_model(None)
    missing = JSONResponse({"error": "model 'llama3.2' not found"}, 404)
    for host in fleet.hosts[:2]:
        host.ollama.failures = [missing]
    assert await fleet.ask() == "Yes."
    assert sum(fleet.asked) <= 3


async def test_a_failing_model_is_tried_everywhere_and_then_given_up(fleet: Fleet) -> None:
    for host in fleet.hosts:
        host.ollama.failures = [JSONResponse({"error": "out of memory"}, 500)]
    with pytest.raises(LLMFailedError):
        await fleet.ask()
    assert fleet.asked == [1, 1, 1]
    assert await fleet.ask() == "Yes."


async def test_all_dead_is_unavailable(fleet: Fleet) -> None:
    await fleet.ask()
    for host in fleet.hosts:
        await host.stop()
    with pytest.raises(LLMUnavailableError):
        await fleet.ask()
    assert not (await fleet.llm.check()).is_ready


async def test_the_status_counts_servers(fleet: Fleet) -> None:
    del fleet.hosts[0].ollama.models["nomic-embed-text:latest"]
    await fleet.hosts[1].stop()
    status = await fleet.llm.check()
    assert status.is_ready
    assert (status.chat.servers, status.chat.servers_ready) == (3, 2)
    assert (status.embedding.servers, status.embedding.servers_ready) == (3, 1)


async def test_embeddings_survive_a_dead_server(fleet: Fleet) -> None:
    before = await fleet.llm.get_embedding_identity()
    await fleet.hosts[0].stop()
    assert len(await fleet.llm.embed_documents(["a", "b"])) == 2
    assert await fleet.llm.get_embedding_identity() == before


async def test_a_model_is_deleted_everywhere(fleet: Fleet) -> None:
    for host in fleet.hosts[:2]:
        host.ollama.models["Spare:7b"] = ScriptedModel()
    await fleet.llm.delete_model("spare:7B")
    assert all("Spare:7b" not in host.ollama.models for host in fleet.hosts)
