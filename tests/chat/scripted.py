"""A model server that says what a test tells it to, at the pace the test sets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

JSON = dict[str, Any]
NAME = "scripted:latest"


@dataclass
class Script:
    """`pieces` are pairs of thinking and answer; the gate holds an answer back before its end."""

    pieces: list[tuple[str, str]] = field(default_factory=lambda: [("", "Yes.")])
    delay_seconds: float = 0
    prompt_tokens: int = 10
    refusals: list[JSON] = field(default_factory=list)
    requests: list[JSON] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0
    capabilities: tuple[str, ...] = ("completion", "thinking", "vision")

    def say(self, *answer: str, thinking: tuple[str, ...] = ()) -> None:
        self.pieces = [(text, "") for text in thinking] + [("", text) for text in answer]


def create_scripted_app(script: Script) -> Starlette:
    async def list_models(_: Request) -> Response:
        return JSONResponse({"models": [{"name": NAME, "model": NAME, "digest": "d" * 64}]})

    async def show_model(_: Request) -> Response:
        return JSONResponse({"capabilities": script.capabilities})

    async def chat(request: Request) -> Response:
        script.requests.append(await request.json())
        if script.refusals:
            return JSONResponse(script.refusals.pop(0), 400)
        return StreamingResponse(speak(script), media_type="application/x-ndjson")

    return Starlette(
        routes=[
            Route("/api/tags", list_models),
            Route("/api/show", show_model, methods=["POST"]),
            Route("/api/chat", chat, methods=["POST"]),
        ]
    )


async def speak(script: Script) -> AsyncIterator[str]:
    try:
        for thinking, content in script.pieces:
            await asyncio.sleep(script.delay_seconds)
            message = {"role": "assistant", "content": content, "thinking": thinking}
            yield json.dumps({"message": message, "done": False}) + "\n"
        await script.gate.wait()
    except asyncio.CancelledError:
        script.cancelled += 1
        raise
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": script.prompt_tokens}
    yield json.dumps({**end, "eval_count": len(script.pieces)}) + "\n"
