"""The endpoints about the server and its models."""

from collections.abc import AsyncIterator, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from src.llm.offline.encoding import NDJSONResponse, ObjectResponse, encode_line, format_timestamp
from src.llm.offline.library import (
    Library,
    OfflineModel,
    compute_digest,
    describe_details,
    describe_family,
    describe_model,
    is_valid_name,
)
from src.llm.offline.loading import LoadedModel, LoadedModels
from src.llm.offline.refusals import RefusedError, read_body
from src.llm.wire import GoModel

# The version of Ollama whose protocol is spoken.
VERSION: Final = "0.33.0"


class NameBody(GoModel):
    model: str = ""
    name: str = ""
    stream: bool = True


class LibraryRoutes:
    def __init__(self, library: Library, loaded: LoadedModels) -> None:
        self._library = library
        self._loaded = loaded

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/", _show_banner),
            Route("/api/version", _show_version),
            Route("/api/tags", self._list_models),
            Route("/api/ps", self._list_loaded),
            Route("/api/show", self._show_model, methods=["POST"]),
            Route("/api/pull", self._pull_model, methods=["POST"]),
            Route("/api/delete", self._delete_model, methods=["DELETE"]),
        ]

    async def _list_models(self, _request: Request) -> Response:
        return ObjectResponse({"models": [describe_model(model) for model in self._library]})

    async def _list_loaded(self, _request: Request) -> Response:
        loaded = self._loaded.list_loaded()
        return ObjectResponse({"models": [_describe_loaded(model) for model in loaded]})

    async def _show_model(self, request: Request) -> Response:
        name = await _read_name(request)
        return ObjectResponse(describe_details(self._get_model(name)))

    async def _pull_model(self, request: Request) -> Response:
        """Play the download of a model that is built in, or fail as for one nobody has."""
        body = await read_body(request, NameBody)
        model = self._library.find(_check_name(body))
        if body.stream:
            return NDJSONResponse(_stream_pull(model))
        if model is None:
            raise RefusedError(500, _NO_MANIFEST)
        return ObjectResponse({"status": "success"})

    async def _delete_model(self, request: Request) -> Response:
        model = self._get_model(await _read_name(request))
        raise RefusedError(400, f"model '{model.name}' is built in and cannot be deleted")

    def _get_model(self, name: str) -> OfflineModel:
        model = self._library.find(name)
        if model is None:
            raise RefusedError(404, f"model '{name}' not found")
        return model


_NO_MANIFEST = "pull model manifest: file does not exist"


async def _show_banner(_request: Request) -> Response:
    return PlainTextResponse("Ollama is running")


async def _show_version(_request: Request) -> Response:
    return ObjectResponse({"version": VERSION})


async def _read_name(request: Request) -> str:
    return _check_name(await read_body(request, NameBody))


def _check_name(body: NameBody) -> str:
    name = body.model or body.name
    if not name:
        raise RefusedError(400, "model is required")
    if not is_valid_name(name):
        raise RefusedError(400, "invalid model name")
    return name


def _describe_loaded(loaded: LoadedModel) -> dict[str, object]:
    described = describe_model(loaded.model)
    return {
        "name": loaded.model.name,
        "model": loaded.model.name,
        "size": described["size"],
        "digest": described["digest"],
        "details": describe_family(loaded.model),
        "expires_at": format_timestamp(loaded.expires_at_ns),
        "size_vram": 0,
        "context_length": loaded.num_ctx,
    }


async def _stream_pull(model: OfflineModel | None) -> AsyncIterator[bytes]:
    yield encode_line({"status": "pulling manifest"})
    if model is None:
        yield encode_line({"error": _NO_MANIFEST})
        return
    yield encode_line(_describe_layer(model))
    for status in ("verifying sha256 digest", "writing manifest", "success"):
        yield encode_line({"status": status})


def _describe_layer(model: OfflineModel) -> Mapping[str, object]:
    digest, size = compute_digest(model), describe_model(model)["size"]
    return {
        "status": f"pulling {digest[:12]}",
        "digest": f"sha256:{digest}",
        "total": size,
        "completed": size,
    }
