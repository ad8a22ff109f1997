"""What users spend, and what stops them."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from src.config import Settings
from src.main import create_app
from tests.conftest import UserFactory
from tests.fixtures.days import stay_within_a_day
from tests.fixtures.roles import make_admin
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, User, sign_up


async def get_usage(user: User, **query: str | int) -> JSON:
    response = await user.http.get("/llm/usage", params=query)
    assert response.status_code == 200, response.text
    usage: JSON = response.json()
    return usage


async def test_answers_and_embeddings_are_counted(user: User) -> None:
    await stay_within_a_day()
    answers = [await user.ask("Hi", use_documents=False) for _ in range(2)]
    await user.http.post("/llm/embeddings", json={"texts": ["one two", "three"]})
    usage = await get_usage(user)
    today = datetime.now(UTC).date().isoformat()
    prompts = sum(answer["usage"]["prompt_tokens"] for answer in answers)
    completions = sum(answer["usage"]["completion_tokens"] for answer in answers)
    chat, embed = usage["items"]
    assert chat == {
        "user_id": user.id,
        "day": today,
        "model": "offline-chat:latest",
        "requests": 2,
        "prompt_tokens": prompts,
        "completion_tokens": completions,
    }
    assert (embed["model"], embed["requests"]) == ("offline-embed:latest", 1)
    assert embed["prompt_tokens"] > 3
    assert usage["tokens_today"] == prompts + completions + embed["prompt_tokens"]
    assert (usage["next_cursor"], usage["daily_token_quota"]) == (None, None)


async def test_everybodys_usage_is_for_admins(
    settings: Settings, user: User, make_user: UserFactory
) -> None:
    await user.ask("Hi", use_documents=False)
    assert (await user.http.get("/llm/usage?of=everybody")).status_code == 403
    admin = await make_user()
    await make_admin(settings, admin)
    await admin.ask("Hi", use_documents=False)
    assert [item["user_id"] for item in (await get_usage(admin))["items"]] == [admin.id]
    seen: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get_usage(admin, of="everybody", limit=1, **cursor)
        seen += [(item["user_id"], item["model"]) for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen))
    assert {user.id, admin.id} <= {user_id for user_id, _ in seen}


@pytest.mark.parametrize("cursor", ["x", "é", "bnVsbA", "WzEsMiwzXQ"])
async def test_a_made_up_cursor_is_refused(user: User, cursor: str) -> None:
    response = await user.http.get("/llm/usage", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_cursor")


async def test_embeddings_are_those_of_the_search(user: User) -> None:
    made = {}
    for kind in ("query", "document"):
        body = {"texts": ["the sea", "the land"], "input_type": kind}
        made[kind] = (await user.http.post("/llm/embeddings", json=body)).json()
    vectors = made["document"]["vectors"]
    assert [len(vector) for vector in vectors] == [1024, 1024]
    assert math.isclose(math.hypot(*vectors[0]), 1, abs_tol=1e-6)
    assert made["query"]["model"] == "offline-embed:latest"


@pytest.mark.parametrize("texts", [[], [""], ["x"] * 257, "text"])
async def test_embeddings_of_nothing_are_refused(user: User, texts: object) -> None:
    response = await user.http.post("/llm/embeddings", json={"texts": texts})
    assert response.status_code == 422


@pytest.fixture
async def frugal_server(settings: Settings) -> AsyncIterator[LoopbackServer]:
    ollama = settings.ollama.model_copy(update={"daily_token_quota": 10})
    documents = settings.documents.model_copy(update={"worker_concurrency": 0})
    data_dir = settings.data_dir / "frugal"
    changed = {"ollama": ollama, "documents": documents, "data_dir": data_dir}
    async with run_server(create_app(settings.model_copy(update=changed))) as server:
        yield server


async def test_a_used_up_quota_is_a_429_until_midnight(frugal_server: LoopbackServer) -> None:
    await stay_within_a_day()
    async with sign_up(frugal_server.api_url) as user, sign_up(frugal_server.api_url) as other:
        await user.ask("Hi", use_documents=False)
        assert (await get_usage(user))["daily_token_quota"] == 10
        for path, body in {
            "/chat/query": {"query": "Hi"},
            "/chat/query/stream": {"query": "Hi"},
            "/llm/embeddings": {"texts": ["Hi"]},
        }.items():
            refused = await user.http.post(path, json=body)
            assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
            assert 0 < int(refused.headers["Retry-After"]) <= 86_401
        assert len((await user.http.get("/chat/sessions")).json()["items"]) == 1
        await other.ask("Hi", use_documents=False)
