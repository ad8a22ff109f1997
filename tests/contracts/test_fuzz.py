"""schemathesis over the whole OpenAPI document, with every check; `make fuzz` does it for longer.

It finds no server error, no status and no body that the document does not tell of, nothing refused
for its form that the document allows, and nothing of one user that another one sees.
"""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import httpx
import pytest

from src.config import Settings
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.users import PASSWORD

SECONDS = int(os.environ.get("FUZZ_SECONDS", "15"))
PHASES = os.environ.get("FUZZ_PHASES", "fuzzing")
CONFIGURATION = Path(__file__).with_name("fuzzing")
# And what changes the name one logs in with, as those of `people.toml` do again and again.
OF_ADMINISTRATORS = "/auth/(users|audit|me$)|/llm/models/(pull|{name})$"
ADMIN = {"username": "fuzzadmin", "email": "fuzz@example.org", "password": PASSWORD}
PLENTY = {
    f"RATE_LIMIT_{name}": "1000000"
    for name in (
        *("REQUESTS_PER_MINUTE", "MODEL_REQUESTS_PER_MINUTE", "UPLOADS_PER_MINUTE"),
        *("REGISTRATIONS_PER_ADDRESS", "LOGIN_FAILURES_PER_ADDRESS"),
        *("REFRESH_FAILURES_PER_ADDRESS", "LOGIN_FAILURES_PER_ACCOUNT"),
    )
}


@pytest.mark.timeout(SECONDS + 300)
async def test_nothing_that_is_sent_is_answered_unexpectedly(
    settings: Settings, tmp_path: Path
) -> None:
    assert settings.ollama.url is not None
    async with run_colloquy(
        tmp_path / "data",
        OLLAMA_URL=settings.ollama.url,
        OLLAMA_CHAT_MODEL="offline-chat",
        OLLAMA_EMBED_MODEL="offline-embed",
        LOG_FORMAT="json",
        AUTH_ACCESS_TOKEN_MINUTES="600",
        AUTH_ARGON2_TIME_COST="1",
        AUTH_ARGON2_MEMORY_KIB="8",
        AUTH_ARGON2_PARALLELISM="1",
        **{f"AUTH_FIRST_ADMIN_{name.upper()}": value for name, value in ADMIN.items()},
        **PLENTY,
    ) as colloquy:
        folder = shutil.copytree(CONFIGURATION, tmp_path / "fuzzing")  # It writes beside them.
        for name in ("ada", "ben"):
            await register(colloquy, name)
        others = ("--exclude-path-regex", OF_ADMINISTRATORS)
        await fuzz(colloquy, folder, "people.toml", SECONDS * 4 // 5, *others)
        token = f"Authorization: Bearer {await log_in(colloquy)}"
        theirs = ("--include-path-regex", OF_ADMINISTRATORS, "--header", token)
        await fuzz(colloquy, folder, "admin.toml", SECONDS // 5, *theirs)
    assert "unexpected error" not in colloquy.log


async def register(colloquy: Colloquy, name: str) -> None:
    account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        registered = await http.post(f"{colloquy.api_url}/auth/register", json=account)
    assert registered.status_code == 201, registered.text


async def log_in(colloquy: Colloquy) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        tokens = await http.post(f"{colloquy.api_url}/auth/token", data=ADMIN)
    token: str = tokens.json()["access_token"]
    return token


async def fuzz(
    colloquy: Colloquy, folder: Path, configuration: str, seconds: int, *arguments: str
) -> None:
    schemathesis = Path(sys.executable).with_name("schemathesis")
    process = await asyncio.create_subprocess_exec(
        *(str(schemathesis), "--config-file", configuration, "--no-color"),
        *("run", f"{colloquy.url}/openapi.json", "--url", colloquy.url, *arguments),
        *("--phases", PHASES, "--max-time", str(seconds), "--max-examples", "100"),
        *("--generation-deterministic", "--request-timeout", "60"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    report = output.decode()
    print(report)  # noqa: T201, what `make fuzz` shows
    assert process.returncode == 0, report
