"""One answer by itself: real models, and a search that finds what the test wants found."""

import asyncio
from collections.abc import Sequence
from typing import cast
from uuid import uuid4

from src.chat.gauge import TokenGauge
from src.chat.generation import Generation, Question
from src.chat.schemas import QueryCreate
from src.config import ChatSettings, OllamaSettings
from src.documents.schemas import PassageRead
from src.documents.search import SearchQuery, SearchService
from src.exceptions import AppError
from src.llm.resolved import ChatModel
from src.llm.servers import open_servers
from src.llm.service import LLMService
from tests.chat.scripted import Script
from tests.chat.test_answering import OVERFLOW
from tests.chat.test_prompts import make_passage
from tests.fixtures.servers import LoopbackServer


class FixedSearch:
    def __init__(self, *texts: str) -> None:
        self._texts = texts

    async def search(self, _: SearchQuery) -> list[PassageRead]:
        return [make_passage(text) for text in self._texts]


def make_question(model: ChatModel) -> Question:
    return Question(
        user_id=uuid4(),
        session_id=uuid4(),
        user_message_id=uuid4(),
        message_id=uuid4(),
        request=QueryCreate(query="Oxygen?"),
        system_prompt=None,
        model=model,
        history=[],
        request_id=None,
    )


async def test_passages_of_a_prompt_that_did_not_fit_are_taken_back(
    script: Script, scripted_models: LoopbackServer
) -> None:
    script.refusals = [OVERFLOW]
    settings = OllamaSettings(url=scripted_models.url)
    search = cast("SearchService", FixedSearch(*["word " * 900] * 8))
    async with open_servers(settings, [scripted_models.url]) as servers:
        llm = LLMService(servers, servers, settings)
        model = await llm.resolve_chat_model("scripted")
        generation = Generation(make_question(model), search, llm, TokenGauge(), ChatSettings())
        reading = asyncio.create_task(read_sources(generation))
        await generation.run()
        generation.live.fail(AppError(), None)  # The end of reading, not of the answer.
        first, second = await reading
    assert 0 < second < first
    assert len(generation.sources or []) == second


async def read_sources(generation: Generation) -> Sequence[int]:
    events = [positioned.event async for positioned in generation.live.follow()]
    return [len(event.sources) for event in events if event.type == "sources"]
