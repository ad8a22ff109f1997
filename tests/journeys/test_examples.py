"""The examples, run as they are; the one in TypeScript runs in `make test-sdk`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.processes import ROOT, run_colloquy

EXAMPLES = ROOT / "examples"
PASSWORD = "lovelace 1815"


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        run_colloquy(tmp_path_factory.mktemp("examples") / "data") as colloquy,
        httpx.AsyncClient(base_url=colloquy.url, trust_env=False, timeout=100) as client,
    ):
        account = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
        await client.post("/api/v1/auth/register", json=account)
        form = {"username": "ada", "password": PASSWORD}
        tokens = (await client.post("/api/v1/auth/token", data=form)).json()
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


async def run_example(name: str, program: str, api: httpx.AsyncClient, folder: Path) -> str:
    url = str(api.base_url).rstrip("/")
    copy = folder / name
    copy.write_text((EXAMPLES / name).read_text().replace("http://127.0.0.1:8000", url))
    token = api.headers["Authorization"].removeprefix("Bearer ")
    process = await asyncio.create_subprocess_exec(
        *(program, str(copy)),
        env=os.environ | {"COLLOQUY_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(100):
        output = (await process.communicate())[0].decode()
    assert process.returncode == 0
    return output


async def test_the_examples_answer(api: httpx.AsyncClient, tmp_path: Path) -> None:
    shell = await run_example("ask.sh", "sh", api, tmp_path)
    assert shell.index("event: document.ready") < shell.index("event: message.completed")
    assert "Sostratus built the lighthouse" in shell.split("event: message.completed")[1]
    assert "Sostratus built the lighthouse" in await run_example(
        "ask.py", sys.executable, api, tmp_path
    )
