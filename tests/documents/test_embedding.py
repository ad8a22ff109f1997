"""One text that a model fails on, a model that fails on every text, and texts that are known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from starlette.responses import JSONResponse, Response

from src.config import Settings
from src.database import create_engine
from src.documents.embedding import IN_PART, SIMPLIFIED, PassageEmbedder, list_forms
from src.llm.exceptions import LLMFailedError, LLMUnavailableError
from src.llm.servers import open_servers
from src.llm.service import LLMService
from src.statements import Statements
from tests.fixtures.models import ODD, POISON, MoodyModel
from tests.fixtures.servers import run_server

USER = uuid4()

pytestmark = pytest.mark.usefixtures("server")  # It has made the tables.


@asynccontextmanager
async def run_embedder(settings: Settings, model: MoodyModel) -> AsyncIterator[PassageEmbedder]:
    assert settings.database.url is not None
    plain = settings.ollama.model_copy(update={"document_prefix": ""})
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    async with (
        run_server(model.app) as server,
        open_servers(plain, [server.url]) as servers,
    ):
        llm = LLMService(servers, servers, plain)
        yield PassageEmbedder(Statements(engine), llm, cache_days=30)
    await engine.dispose()


async def test_one_bad_text_is_set_apart(settings: Settings) -> None:
    texts = [f"Fine text number {n} {uuid4()}" for n in range(40)]
    texts[17] = f"{POISON} " * 20
    async with run_embedder(settings, model := MoodyModel()) as embedder:
        found = await embedder.embed(uuid4().hex, texts, USER)
    assert [n for n, one in enumerate(found) if not one.vector] == [17]
    assert found[17].issue_code == "llm_failed"
    assert found[17].issue_detail
    assert [one.vector[1] for one in found if one.vector] == [
        len(text) for text in texts if POISON not in text
    ]
    assert len(model.texts) < 4 * len(texts)


async def test_simpler_and_shorter_forms_are_tried(settings: Settings) -> None:
    async with run_embedder(settings, MoodyModel(longest=60)) as embedder:
        odd, long, fine = await embedder.embed(
            uuid4().hex, [f"A {ODD} sign", "A sentence of some words. " * 4, "Fine."], USER
        )
    assert (odd.issue_code, odd.vector[1]) == (SIMPLIFIED, len("A sign"))
    assert (long.issue_code, long.vector[1]) == (IN_PART, len("A sentence of some words."))
    assert fine.issue_code is None


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (JSONResponse({"error": "llama runner process has terminated"}, 500), LLMFailedError),
        (JSONResponse({"error": "server busy"}, 503), LLMUnavailableError),
    ],
)
async def test_a_server_that_always_fails_is_not_blamed_on_the_texts(
    settings: Settings, failure: Response, error: type[Exception]
) -> None:
    async with run_embedder(settings, MoodyModel(failure)) as embedder:
        with pytest.raises(error):
            await embedder.embed(uuid4().hex, ["one", "two"], USER)


async def test_a_known_text_costs_no_model_call(settings: Settings) -> None:
    collection = uuid4().hex
    async with run_embedder(settings, model := MoodyModel()) as embedder:
        first = await embedder.embed(collection, ["known", "known", "other"], USER)
        assert sorted(model.texts) == sorted(set(model.texts))
        model.texts.clear()
        again = await embedder.embed(collection, ["other", "known"], USER)
        assert (model.texts, again) == ([], [first[2], first[0]])
        await embedder.embed(uuid4().hex, ["known"], USER)
        assert model.texts == ["known"]


async def test_texts_that_wait_together_share_a_request_but_not_with_strangers(
    settings: Settings,
) -> None:
    collection = uuid4().hex
    async with run_embedder(settings, model := MoodyModel()) as embedder:
        await embedder.embed(collection, ["The model is known by now."], USER)
        model.requests.clear()
        await asyncio.gather(
            *(embedder.embed(collection, [text], USER) for text in ("one", "two")),
            embedder.embed(collection, ["three"], uuid4()),
        )
    assert sorted(map(sorted, model.requests)) == [["one", "two"], ["three"]]


def test_forms_become_shorter_and_end() -> None:
    for text in ("", "a", "☠☠☠", "Word. " * 50, "x" * 1000):
        forms = [form for form, _, _ in list_forms(text)]
        assert all(forms)
        assert [len(form) for form in forms] == sorted(map(len, forms), reverse=True)
