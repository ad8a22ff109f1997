"""One fleet for all tests of this folder, and models that say what a test tells them to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from src.llm.offline.app import create_offline_app
from src.llm.offline.encoding import NDJSONResponse
from src.llm.offline.library import OfflineModel
from tests.chat.scripted import Script, speak
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import User, sign_up
from tests.fleet.fleet import Fleet, find_missing, run_fleet


@dataclass
class Stage:
    """The model `scripted`, which every process of the fleet can ask."""

    script: Script

    @property
    def model(self) -> OfflineModel:
        def respond() -> NDJSONResponse:
            return NDJSONResponse(text.encode() async for text in speak(self.script))

        return OfflineModel("scripted:latest", "completion", 8192, ("faults.py",), respond)


@pytest.fixture(scope="session")
def stage() -> Stage:
    return Stage(Script())


@pytest.fixture
def script(stage: Stage) -> Script:
    stage.script = Script()
    return stage.script


@pytest.fixture(scope="session")
async def models(stage: Stage) -> AsyncIterator[LoopbackServer]:
    app = create_offline_app(faults=[stage.model], token_delay_seconds=0.01)
    async with run_server(app) as server:
        yield server


@pytest.fixture(scope="session")
async def fleet(
    models: LoopbackServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    if missing := find_missing():
        pytest.skip(f"a fleet needs Debian's {' and '.join(missing)}")
    async with run_fleet(tmp_path_factory.mktemp("fleet"), models.url) as fleet:
        yield fleet


@pytest.fixture
async def user(fleet: Fleet) -> AsyncIterator[User]:
    """Somebody who talks to the first API."""
    async with sign_up(fleet.apis[0].api_url) as user:
        yield user


@pytest.fixture
async def elsewhere(fleet: Fleet, user: User) -> AsyncIterator[User]:
    """The same user at the second API."""
    headers = dict(user.http.headers)
    base_url = fleet.apis[1].api_url
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, trust_env=False, timeout=60
    ) as http:
        yield User(user.id, user.username, user.token, http, user.refresh_token)


@pytest.fixture(autouse=True)
async def everything_runs(fleet: Fleet) -> AsyncIterator[None]:
    """A test that ends a part starts it again; one that failed half way must not fail the next."""
    yield
    stopped = [part for part in fleet.parts if not part.is_running]
    await asyncio.gather(*(part.start() for part in stopped))
