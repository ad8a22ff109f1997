"""The built-in offline models behind Ollama's REST API.

They let Colloquy run on a machine without Ollama: `offline-embed` embeds words and their pieces,
`offline-chat` quotes the passages it is given.
"""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from src.llm.offline.embedding_routes import EmbeddingRoutes
from src.llm.offline.generation_routes import GenerationRoutes
from src.llm.offline.library import CHAT_MODEL, EMBED_MODEL, Library, OfflineModel
from src.llm.offline.library_routes import LibraryRoutes
from src.llm.offline.loading import LoadedModels
from src.llm.offline.refusals import (
    RefusedError,
    answer_method_not_allowed,
    answer_not_found,
    answer_refusal,
)

TOKEN_DELAY_SECONDS = 0.005
_LOCAL_HOSTS = {"127.0.0.1", "localhost", "[::1]"}


class LocalHostGuard:
    """Refuses requests for another host: a web page could aim its own name at this address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _is_local(Headers(scope=scope).get("host", "")):
            await Response(status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def create_offline_app(
    *, faults: Iterable[OfflineModel] = (), token_delay_seconds: float = TOKEN_DELAY_SECONDS
) -> Starlette:
    """Build the server; `faults` are further models that fail on purpose, for tests."""
    library = Library([CHAT_MODEL, EMBED_MODEL, *faults])
    loaded = LoadedModels()
    app = Starlette(
        routes=[
            *LibraryRoutes(library, loaded).routes,
            *GenerationRoutes(library, loaded, token_delay_seconds=token_delay_seconds).routes,
            *EmbeddingRoutes(library, loaded).routes,
        ],
        exception_handlers={
            RefusedError: answer_refusal,
            404: answer_not_found,
            405: answer_method_not_allowed,
        },
    )
    app.add_middleware(LocalHostGuard)
    return app


def _is_local(host: str) -> bool:
    return host.rpartition(":")[0] in _LOCAL_HOSTS or host in _LOCAL_HOSTS
