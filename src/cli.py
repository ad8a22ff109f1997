"""What an operator types: `colloquy serve`, `migrate`, `offline-models` and what the docs need."""

import asyncio
import json
import signal
import sys
from typing import Annotated, NoReturn

import typer
import uvicorn
from pydantic import ValidationError

from src.config import Settings, render_env_example
from src.database import migrate as migrate_database
from src.embedded import EmbeddedError
from src.embedded.services import run_missing_services
from src.llm.offline.__main__ import serve as serve_offline_models
from src.logs import configure_logging
from src.main import create_app

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@cli.command()
def serve() -> None:
    """Run the API, with embedded parts for whatever has no URL."""
    settings = _load_settings()
    configure_logging(settings)
    try:
        asyncio.run(_serve(settings))
    except EmbeddedError as error:
        _fail(str(error))


@cli.command()
def migrate() -> None:
    """Bring the database of DATABASE_URL up to date."""
    settings = _load_settings()
    configure_logging(settings)
    if settings.database.url is None:
        _fail("Set DATABASE_URL; the embedded database is migrated by `serve`.")
    migrate_database(settings.database.url.get_secret_value())


@cli.command()
def offline_models(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 takes a free one.")] = 11434,
) -> None:
    """Run the offline models alone: an Ollama for tests, without a GPU."""
    asyncio.run(serve_offline_models(port))


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    app = create_app(Settings(_env_file=None))
    print(json.dumps(app.openapi(), indent=2, ensure_ascii=False))


@cli.command()
def env_example() -> None:
    """Print every setting with its default, as `.env.example` holds them."""
    print(render_env_example(), end="")


def main() -> None:
    cli()


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
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(services.settings, embedded=services.embedded),
                host=settings.host,
                port=settings.port,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=max(1, round(settings.chat.shutdown_grace_seconds)),
            )
        )
        await server.serve()
    if not server.started:
        sys.exit(1)


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
