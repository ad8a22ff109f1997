"""schemathesis over the whole OpenAPI document, as an administrator; `make fuzz` does it longer.

It finds no server error, no status and no body that the document does not tell of.
"""

import asyncio
import os
import sys
from pathlib import Path

import httpx

from src.config import Settings
from tests.fixtures.processes import Colloquy, run_colloquy
from tests.fixtures.users import PASSWORD

SECONDS = int(os.environ.get("FUZZ_SECONDS", "15"))
PHASES = os.environ.get("FUZZ_PHASES", "fuzzing")
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance", "unsupported_method"),
)
# What would end the login of the run itself, or never end.
LEFT_OUT = "logout|/auth/me/password|/events$|/stream$|/pull$"
ADMIN = {"username": "fuzzadmin", "email": "fuzz@example.org", "password": PASSWORD}
PLENTY = {
    f"RATE_LIMIT_{name}": "1000000"
    for name in (
        *("REQUESTS_PER_MINUTE", "MODEL_REQUESTS_PER_MINUTE", "UPLOADS_PER_MINUTE"),
        *("REGISTRATIONS_PER_ADDRESS", "LOGIN_FAILURES_PER_ADDRESS"),
        *("REFRESH_FAILURES_PER_ADDRESS", "LOGIN_FAILURES_PER_ACCOUNT"),
    )
}


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
        code, report = await fuzz(colloquy, tmp_path)
    assert code == 0, report
    assert "unexpected error" not in colloquy.log


async def fuzz(colloquy: Colloquy, folder: Path) -> tuple[int | None, str]:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        tokens = (await http.post(f"{colloquy.api_url}/auth/token", data=ADMIN)).json()
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{colloquy.url}/openapi.json"),
        *("--url", colloquy.url, "--header", f"Authorization: Bearer {tokens['access_token']}"),
        *("--checks", ",".join(CHECKS), "--exclude-path-regex", LEFT_OUT, "--no-color"),
        *("--phases", PHASES, "--max-time", str(SECONDS), "--max-examples", "100"),
        *("--generation-deterministic", "--continue-on-failure", "--request-timeout", "60"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()
