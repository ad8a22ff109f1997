"""What an operator types: `colloquy serve`, `worker`, `reindex`, `create-admin` and more."""

import asyncio
import gc
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from types import FrameType
from typing import Annotated, NoReturn, TypeVar

import typer
import uvicorn
import uvloop
from pydantic import ValidationError

from src import operations
from src.access import render_access
from src.auth.first_admin import BadAdminError, check_admin
from src.auth.first_admin import create_admin as make_admin
from src.auth.passwords import Passwords
from src.auth.schemas import UserCreate
from src.config import Settings, render_configuration, render_env_example
from src.database import create_engine, create_sessions
from src.database import migrate as migrate_database
from src.doctor import examine
from src.embedded import EmbeddedError
from src.embedded.services import run_database, run_missing_services
from src.exceptions import AppError
from src.health import Lifecycle
from src.llm.offline.__main__ import serve as serve_offline_models
from src.logs import configure_logging
from src.main import create_app
from src.protocol import guard
from src.telemetry import TelemetryError, configure_telemetry

ResultT = TypeVar("ResultT")

_BAR_WIDTH = 40
_SWITCH_SECONDS = 0.0005
_MOST_FRAME_BYTES = 4 * 1024 * 1024

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@cli.command()
def serve() -> None:
    """Run the API, with embedded parts for whatever has no URL."""
    settings = _load_settings()
    configure_logging(settings)
    try:
        configure_telemetry(settings)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except (EmbeddedError, TelemetryError) as error:
        _fail(str(error))


@cli.command()
def worker() -> None:
    """Process documents outside the API; run as many as wanted."""
    _run(_work)


@cli.command()
def reindex() -> None:
    """Embed every document anew after the embedding model has changed; searches go on."""
    _run(lambda settings: operations.reindex(settings, _show_progress))
    print(file=sys.stderr)


@cli.command()
def verify(
    *, mend: Annotated[bool, typer.Option(help="Delete strays and index what is missing.")] = False
) -> None:
    """Compare documents, vectors and files; fails when they do not agree."""
    findings = _run(lambda settings: operations.verify(settings, mend=mend))
    for name, count in asdict(findings).items():
        print(f"{name.replace('_', ' '):22}{count:8}")
    is_left = findings.missing_files if mend else any(asdict(findings).values())
    raise SystemExit(1 if is_left else 0)


@cli.command()
def doctor() -> None:
    """Check every setting and backing service, and say how to mend what does not work."""
    settings = _load_settings()
    configure_logging(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        is_well = runner.run(_examine(settings))
    raise SystemExit(0 if is_well else 1)


@cli.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL up to date."""
    settings = _load_settings()
    configure_logging(settings)
    if settings.database.url is None:
        _fail("Set DATABASE_URL; the embedded database is migrated by `serve`.")
    migrate_database(settings.database.url.get_secret_value())


@cli.command()
def create_admin(
    username: str,
    email: str,
) -> None:
    """Make an administrator. The password is asked for, or read from a pipe."""
    settings = _load_settings()
    configure_logging(settings)
    try:
        new = check_admin(username, email, _read_password())
        asyncio.run(_create_admin(settings, new))
    except (EmbeddedError, BadAdminError, OSError) as error:
        _fail(str(error))


@cli.command()
def access() -> None:
    """Print who may call what, as `docs/access.md` holds it."""
    print(render_access(create_app(Settings(_env_file=None)).openapi()), end="")


@cli.command()
def offline_models(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 takes a free one.")] = 11434,
    *,
    faults: Annotated[
        bool, typer.Option("--faults", help="Add the models of docs/faults.md, which fail.")
    ] = False,
) -> None:
    """Run the offline models alone: an Ollama for tests, without a GPU."""
    asyncio.run(serve_offline_models(port, has_faults=faults))


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    app = create_app(Settings(_env_file=None))
    print(json.dumps(app.openapi(), indent=2, ensure_ascii=False))


@cli.command()
def configuration() -> None:
    """Print every setting for people, as `docs/configuration.md` holds them."""
    print(render_configuration(), end="")


@cli.command()
def env_example() -> None:
    """Print every setting with its default, as `.env.example` holds them."""
    print(render_env_example(), end="")


def main() -> None:
    cli()


def _run(run: Callable[[Settings], Coroutine[None, None, ResultT]]) -> ResultT:
    settings = _load_settings()
    configure_logging(settings)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run(settings))
    except KeyboardInterrupt:
        _fail("Stopped. What was begun goes on with the next worker.")
    except (EmbeddedError, TelemetryError, AppError) as error:
        _fail(str(error))


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await operations.work(settings, stopping)


async def _examine(settings: Settings) -> bool:
    is_well = True
    async for finding in examine(settings):
        print(f"{finding.state:5} {finding.part:12} {finding.detail}", flush=True)
        is_well = is_well and finding.state != "bad"
    return is_well


def _show_progress(done: int, total: int) -> None:
    """One line that grows on a terminal; elsewhere nothing but the end."""
    if sys.stderr.isatty() or done == total:
        filled = "#" * (_BAR_WIDTH * done // total if total else _BAR_WIDTH)
        bar = f"[{filled:{_BAR_WIDTH}}] {done:,} of {total:,} documents"
        print(f"\r{bar}", end="", file=sys.stderr, flush=True)


class DrainingServer(uvicorn.Server):
    """Says for a while that it will stop before it does, to whoever asks `/health/serving`."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, drain_seconds: float) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds
        self._exits_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # A thread that computes keeps the loop waiting for as long as this, 5 ms by default.
        sys.setswitchinterval(_SWITCH_SECONDS)
        gc.freeze()  # What is there now stays: to walk through it cost six of a hundred CPU cycles.

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        is_first = not self._lifecycle.is_stopping
        self._lifecycle.is_stopping = True
        if is_first and sig == signal.SIGTERM and self._drain_seconds:
            self._captured_signals.append(sig)
            self._exits_at = time.monotonic() + self._drain_seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if self._exits_at is not None and time.monotonic() >= self._exits_at:
            self.should_exit = True
        return await super().on_tick(counter)


async def _serve(settings: Settings) -> None:
    server: uvicorn.Server | None = None
    this = asyncio.current_task()

    def stop_starting() -> None:
        if server is None and this is not None:
            this.cancel()  # From then on uvicorn handles the signals itself.

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop_starting)
    async with run_missing_services(settings) as services:
        app = create_app(services.settings, embedded=services.embedded)
        server = DrainingServer(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=guard(settings.patience_seconds),
                ws_max_size=_MOST_FRAME_BYTES,
                log_config=None,
                server_header=False,
                # It would believe whoever connects from this machine; see `trusted_proxies`.
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, round(settings.chat.shutdown_grace_seconds)),
            ),
            app.state.lifecycle,
            settings.drain_seconds,
        )
        await server.serve()
    if not server.started:
        sys.exit(1)


async def _create_admin(settings: Settings, new: UserCreate) -> None:
    async with run_database(settings) as url:
        await asyncio.to_thread(migrate_database, url)
        engine = create_engine(url, settings.database)
        passwords = Passwords(settings.auth)
        try:
            await make_admin(create_sessions(engine), passwords, new)
        finally:
            passwords.close()
            await engine.dispose()


def _read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _load_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [_describe(problem["loc"], problem["msg"]) for problem in error.errors()]
        _fail("\n".join(lines))


def _describe(location: tuple[int | str, ...], message: str) -> str:
    name = "_".join(str(part) for part in location).upper()
    return f"{name}: {message}" if name else message.removeprefix("Value error, ")


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
