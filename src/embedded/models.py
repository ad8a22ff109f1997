"""Who answers for Ollama when no URL is set: an Ollama on this machine, or the offline models."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import httpx

from src.embedded.exceptions import EmbeddedError
from src.embedded.guard import keep_running, open_log, run_guarded

_PROJECT_DIR = Path(__file__).resolve().parents[2]
_OFFLINE_MODELS = (sys.executable, "-u", "-m", "src.llm.offline")
_LISTENING = re.compile(rb"^listening on http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
_READY_SECONDS = 30


async def find_ollama(url: str = "http://127.0.0.1:11434", timeout_seconds: float = 1.0) -> bool:
    """Tell whether an Ollama answers there in time."""
    try:
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(timeout_seconds):
            response = await client.get(f"{url}/api/version")
            body = response.json()
    except (httpx.HTTPError, TimeoutError, ValueError):
        return False
    return response.status_code == httpx.codes.OK and isinstance(body, dict) and "version" in body


@asynccontextmanager
async def run_offline_models(
    log_path: Path, *, command: Sequence[str] = _OFFLINE_MODELS
) -> AsyncIterator[str]:
    """Run the built-in models on a free port; yields their URL, which outlives a crash of theirs.

    `command` takes `--port` and prints `listening on http://127.0.0.1:PORT` once it listens there.
    """
    models = _OfflineModels(log_path, command)
    async with keep_running("offline models", models.start):
        yield f"http://127.0.0.1:{models.port}"


@dataclass
class _OfflineModels:
    log_path: Path
    command: Sequence[str]
    port: int = 0

    @asynccontextmanager
    async def start(self) -> AsyncIterator[Process]:
        """Start them, on the port they had before if they ran already."""
        argv = [*self.command, "--port", str(self.port)]
        # A file, because a pipe that nobody empties would stop them when it is full.
        with TemporaryFile() as stdout, open_log(self.log_path) as log:
            # They keep nothing, so there is nothing to wait for when they stop.
            async with run_guarded(
                argv, stdout=stdout, stderr=log, stop_signals=[signal.SIGKILL], cwd=_PROJECT_DIR
            ) as process:
                self.port = await self._wait_for_port(process, stdout)
                yield process

    async def _wait_for_port(self, process: Process, stdout: IO[bytes]) -> int:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not (found := _LISTENING.search(_read_all(stdout))):
                    if process.returncode is not None:
                        raise self._failed(f"ended with code {process.returncode}")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise self._failed(f"were not ready after {_READY_SECONDS} seconds") from error
        return int(found[1])

    def _failed(self, what: str) -> EmbeddedError:
        return EmbeddedError(f"The offline models {what}; {self.log_path} says why.")


def _read_all(file: IO[bytes]) -> bytes:
    """Read without moving the position, which the writer shares."""
    return os.pread(file.fileno(), 1 << 16, 0)
