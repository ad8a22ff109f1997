"""The least that FastAPI and httpx do to pass an answer on: what Colloquy is measured against.

`python -m benchmarks.relay PORT UPSTREAM_URL`.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Query(BaseModel):
    query: str


def create_relay(upstream_url: str) -> FastAPI:
    limits = httpx.Limits(max_connections=None)
    http = httpx.AsyncClient(
        base_url=upstream_url,
        timeout=None,  # noqa: S113, as long as it takes
        limits=limits,
        trust_env=False,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with http:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/relay")
    async def relay(body: Query) -> StreamingResponse:
        return StreamingResponse(stream(body.query), media_type="text/event-stream")

    async def stream(query: str) -> AsyncIterator[str]:
        request = {"model": "bench", "messages": [{"role": "user", "content": query}]}
        async with http.stream("POST", "/api/chat", json=request) as response:
            async for line in response.aiter_lines():
                yield f"data: {line}\n\n"

    return app


if __name__ == "__main__":
    uvicorn.run(create_relay(sys.argv[2]), port=int(sys.argv[1]), log_config=None, backlog=2048)
