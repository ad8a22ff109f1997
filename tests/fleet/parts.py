"""The processes of a fleet: each is started, killed and started again under the same address."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import psutil

from src.embedded.privileges import build_prefix, give_to_nobody, is_root

HOST = "127.0.0.1"
COLLOQUY = str(Path(sys.executable).with_name("colloquy"))
_READY_SECONDS = 120
_STOP_SECONDS = 60
# Nothing of the developer's own environment reaches the fleet.
_ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
# What a fleet starts ends with the process that started it, whatever happens to that.
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass
class Part:
    """One process. `is_ready` is asked again and again after a start; `url` is for HTTP servers."""

    name: str
    argv: Sequence[str]
    folder: Path
    is_ready: Callable[["Part"], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    process: Process | None = None
    _log_start: int = 0

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def log_path(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/v1"

    @property
    def log(self) -> str:
        """What it wrote since it was last started."""
        return self.log_path.read_bytes()[self._log_start :].decode()

    async def start(self) -> None:
        await self.launch()
        await self.wait_until_ready()

    async def launch(self) -> None:
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self.process = await asyncio.create_subprocess_exec(
                *(*_ENDS_WITH_US, *self.argv),
                cwd=self.folder,
                env={**_ENVIRONMENT, **self.env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await self.is_ready(self):
                    assert self.is_running, f"{self.name} ended: {self.log[-3000:]}"
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            error.add_note(f"{self.name} was not ready: {self.log[-3000:]}")
            raise

    async def kill(self) -> None:
        """Kill it, and expect that nothing it started is left."""
        children = psutil.Process(self.pid).children(recursive=True) if self.is_running else []
        await self._end(signal.SIGKILL)
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=_STOP_SECONDS)
        assert not alive, f"{self.name} left {alive}"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        return await self._end(number)

    async def _end(self, number: signal.Signals) -> int:
        assert self.process is not None, f"{self.name} was never started"
        if self.is_running:
            self.process.send_signal(number)
        async with asyncio.timeout(_STOP_SECONDS):
            return await self.process.wait()


def find_program(name: str) -> str | None:
    """Find a program where Debian puts it: servers are on no user's path."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/sbin")]
    path = os.pathsep.join([os.environ["PATH"], *map(str, folders)])
    return shutil.which(name, path=path)


def require_program(name: str) -> str:
    found = find_program(name)
    assert found is not None, f"{name} is not installed"
    return found


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def make_redis(folder: Path, port: int) -> Part:
    async def answers(_: Part) -> bool:
        return await accepts(port)

    argv = [require_program("redis-server"), "--port", str(port), "--bind", HOST, "--save", ""]
    return Part("redis", argv, folder, answers)


async def make_postgres(folder: Path, port: int, password: str) -> Part:
    """A cluster of Debian's PostgreSQL, made here; as root it belongs to `nobody`."""
    data = folder / "postgres"
    data.mkdir(mode=0o700)
    if is_root():
        give_to_nobody(data)
    password_file = folder / "password"
    password_file.write_text(password)
    prefix = build_prefix(data)
    initdb = await asyncio.create_subprocess_exec(
        *(*prefix, require_program("initdb"), "-D", str(data), "-U", "colloquy", "-N"),
        *("-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8", "--locale=C.UTF-8"),
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await initdb.wait() == 0
    argv = [
        *(*prefix, require_program("postgres"), "-D", str(data), "-p", str(port), "-h", HOST),
        *("-c", "unix_socket_directories=", "-c", "max_connections=200"),
        # The machine stays up; only processes die, and those lose nothing that was written.
        *("-c", "fsync=off"),
    ]

    async def answers(_: Part) -> bool:
        try:
            connection = await asyncpg.connect(postgres_url(port, password), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    return Part("postgres", argv, folder, answers)


def postgres_url(port: int, password: str) -> str:
    return f"postgresql://colloquy:{password}@{HOST}:{port}/postgres"


async def answers_http(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        try:
            return (await http.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


async def accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True
