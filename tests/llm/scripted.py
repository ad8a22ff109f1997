"""A model server whose models and answers a test decides."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass
class ScriptedModel:
    digest: str = "d1"
    capabilities: list[str] | None = field(default_factory=lambda: ["completion"])
    context_length: int | None = 131_072
    dimension: int = 3


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class ScriptedServer:
    """Speaks as much of Ollama's protocol as the service needs, and keeps what it was asked."""

    models: dict[str, ScriptedModel] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    pulled_lines: list[dict[str, object]] = field(default_factory=list)
    lines_at_once: int = 1
    said: dict[str, object] = field(default_factory=lambda: {"content": "Yes."})
    may_pull: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=_set_event)
    failures: list[Response] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        paths = {"version": self._version, "tags": self._tags, "show": self._show}
        paths |= {"chat": self._chat, "embed": self._embed, "ps": self._ps}
        routes = [
            Route(f"/api/{path}", answer, methods=["GET", "POST"]) for path, answer in paths.items()
        ]
        routes.append(Route("/api/delete", self._delete, methods=["DELETE"]))
        routes.append(Route("/api/pull", self._pull, methods=["POST"]))
        return Starlette(routes=routes)

    def bodies_of(self, path: str) -> list[dict[str, object]]:
        return [body for asked, body in self.requests if asked == f"/api/{path}"]

    async def _read(self, request: Request) -> dict[str, object]:
        raw = await request.body()
        body: dict[str, object] = json.loads(raw) if raw else {}
        self.requests.append((request.url.path, body))
        return body

    async def _version(self, request: Request) -> Response:
        await self._read(request)
        return JSONResponse({"version": "0.33.0"})

    async def _tags(self, request: Request) -> Response:
        await self._read(request)
        tags = [{"name": name, "digest": model.digest} for name, model in self.models.items()]
        return JSONResponse({"models": tags or None})

    async def _delete(self, request: Request) -> Response:
        del self.models[str((await self._read(request))["model"])]
        return Response()

    async def _pull(self, request: Request) -> Response:
        """Send the first lines, and the others, as they are by then, when the test allows it."""
        model = str((await self._read(request))["model"])

        async def write() -> AsyncIterator[bytes]:
            for line in self.pulled_lines[: self.lines_at_once]:
                yield json.dumps(line).encode() + b"\n"
            await self.may_pull.wait()
            for line in self.pulled_lines[self.lines_at_once :]:
                yield json.dumps(line).encode() + b"\n"
                if line.get("status") == "success":
                    self.models[model] = ScriptedModel()

        return StreamingResponse(write())

    async def _ps(self, request: Request) -> Response:
        await self._read(request)
        return JSONResponse({"models": None})

    async def _show(self, request: Request) -> Response:
        body = await self._read(request)
        model = self.models.get(str(body["model"]))
        if model is None:
            return JSONResponse({"error": f"model '{body['model']}' not found"}, 404)
        shown: dict[str, object] = {"model_info": None, "license": "…"}
        if model.context_length is not None:
            info = {"general.architecture": "llama", "llama.context_length": model.context_length}
            shown["model_info"] = info
        if model.capabilities is not None:
            shown["capabilities"] = model.capabilities
        return JSONResponse(shown)

    async def _chat(self, request: Request) -> Response:
        """Fail as often as the test says; else say one half at once, and the end when allowed.

        Whether it is allowed counts when the question comes in, so that who has seen a question
        among the requests knows what will be answered.
        """
        is_held = not self.may_answer.is_set()
        await self._read(request)
        if self.failures:
            return self.failures.pop(0)

        async def write() -> AsyncIterator[bytes]:
            if is_held:
                yield json.dumps({"message": {"content": "Half"}}).encode() + b"\n"
                await self.may_answer.wait()
            end = {"message": self.said, "done": True, "done_reason": "stop"}
            yield json.dumps(end).encode() + b"\n"

        return StreamingResponse(write())

    async def _embed(self, request: Request) -> Response:
        body = await self._read(request)
        await self.may_answer.wait()
        inputs, model = body["input"], self.models[str(body["model"])]
        assert isinstance(inputs, list)
        vectors = [[float(len(text)), *[1.0] * (model.dimension - 1)] for text in inputs]
        return JSONResponse({"embeddings": vectors})
